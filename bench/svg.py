"""Two kinds of plot as SVG text, with nothing but the standard library."""
from html import escape

COLOURS = ["#4c72b0", "#dd8452", "#55a868", "#c44e52", "#8172b3", "#937860", "#8c8c8c", "#ccb974"]
FONT = 'font-family="sans-serif" font-size="12" fill="#333"'


def text(x, y, words, anchor="start", extra=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {FONT} {extra}>{escape(words)}</text>'


def rectangle(x, y, width, height, colour, title, extra=""):
    return (f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 0.5):.1f}" height="{height}" fill="{colour}" {extra}>'
            f'<title>{escape(title)}</title></rect>')


def page(width, height, parts):
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">\n'
            f'<rect width="{width}" height="{height}" fill="white"/>\n' + "\n".join(parts) + "\n</svg>\n")


def reached(title, rows):
    """Horizontal bars: how much of its limit each row reaches. rows: (label, share, note)."""
    left, width, step, top = 230, 440, 24, 58
    parts = [text(10, 22, title, extra='font-weight="bold"')]
    for percent in range(0, 101, 25):
        x = left + width * percent / 100
        parts.append(f'<line x1="{x}" y1="{top - 8}" x2="{x}" y2="{top + step * len(rows)}" stroke="#ddd"/>')
        parts.append(text(x, top - 14, f"{percent} %", "middle"))
    for i, (label, share, note) in enumerate(rows):
        y = top + step * i
        parts += [text(left - 8, y + 13, label, "end"), rectangle(left, y, width * share, 17, COLOURS[0], f"{label}: {note}"),
                  text(left + width * share + 6, y + 13, note)]
    return page(left + width + 230, top + step * len(rows) + 14, parts)


def stacked(title, rows, names):
    """Horizontal bars made of parts. rows: (label, [value of each name]). Errors: ValueError where a part could not be shown."""
    if len(names) > len(COLOURS):
        raise ValueError(f"{len(names)} parts, and colours for {len(COLOURS)}: {', '.join(names[len(COLOURS):])} would be left out")
    for label, values in rows:
        if len(values) != len(names):
            raise ValueError(f"{label}: {len(values)} values for {len(names)} parts")
    left, width, step, top = 190, 560, 28, 74
    most = max(sum(values) for _, values in rows)
    parts = [text(10, 22, title, extra='font-weight="bold"')]
    x = 10
    for name, colour in zip(names, COLOURS):
        parts += [rectangle(x, 36, 11, 11, colour, name), text(x + 15, 46, name)]
        x += 30 + 6.6 * len(name)
    for i, (label, values) in enumerate(rows):
        y, x = top + step * i, left
        parts.append(text(left - 8, y + 15, label, "end"))
        for name, value, colour in zip(names, values, COLOURS):
            length = width * value / most
            parts.append(rectangle(x, y, length, 20, colour, f"{name}: {value:,} cycles"))
            x += length
        parts.append(text(x + 6, y + 15, f"{sum(values):,}"))
    return page(left + width + 100, top + step * len(rows) + 14, parts)
