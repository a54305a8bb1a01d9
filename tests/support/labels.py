"""Labels of Python tests, read by run_python_tests.py --list."""


def label(name):
    def mark(function):
        function.labels = getattr(function, "labels", ()) + (name,)
        return function
    return mark


long = label("long")  # only with ./test.sh --long
sanitized = label("sanitized")  # also in the preset host-asan, whose virtual board is ten times slower
