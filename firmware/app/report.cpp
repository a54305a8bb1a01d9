#include "firmware/app/report.h"

namespace pico_llama::app {
namespace {

Text& megahertz(Text& text, uint32_t hz) {
  const bool whole = hz % 1'000'000 == 0;
  return (whole ? text.fixed(hz / 1'000'000, 0) : text.fixed((hz + 50'000) / 100'000, 1)) << " MHz";
}

Text& megabytes_per_second(Text& text, uint32_t kilobytes_per_second) {
  return text.fixed((kilobytes_per_second + 50) / 100, 1) << " MB/s";
}

Text& size(Text& text, uint64_t bytes) {
  if (bytes >= (1u << 20) && bytes % (1u << 20) == 0) return text << (bytes >> 20) << " MB";
  if (bytes % 1024 == 0 && bytes != 0) return text << (bytes >> 10) << " kB";
  return text.grouped(bytes) << " B";
}

/// Of a vocabulary that `pack --vocabulary` cut, the pieces that the model says and those that it reads.
void append_vocabulary(Text& text, const Config& config) {
  text << "vocabulary " << config.logit_count();
  if (config.n_logits != 0) text << " of " << config.vocab_size << " pieces";
}

void append_name(Text& text, const Metadata& metadata) {
  if (!metadata.name.empty()) text << metadata.name << ", ";
}

}  // namespace

std::string_view name_of(hal::Memory memory) {
  switch (memory) {
    case hal::Memory::kSram:
      return "SRAM";
    case hal::Memory::kFlash:
      return "flash";
    case hal::Memory::kPsram:
      return "PSRAM";
  }
  return "?";
}

void append_shape(Text& text, std::span<const std::string_view> names, const KernelShape& shape) {
  const int32_t numbers[] = {shape.a, shape.b, shape.c};
  for (size_t i = 0; i < names.size() && i < std::size(numbers); ++i)
    text << (i == 0 ? " " : ", ") << names[i] << ' ' << numbers[i];
}

void append_psram(Text& text, const hal::BoardInfo& info) {
  const hal::PsramState& psram = info.psram;
  switch (psram.verdict) {
    case hal::PsramVerdict::kNotFitted:
      text << "PSRAM   none on this board";
      return;
    case hal::PsramVerdict::kAbsent:
      text << "PSRAM   no answer to Read ID; not used";
      return;
    case hal::PsramVerdict::kWrongId:
      text << "PSRAM   wrong ID ";
      text.hex(psram.manufacturer, 2) << ' ';
      text.hex(psram.known_good_die, 2) << ' ';
      text.hex(psram.density, 2) << ", expected 0d 5d 4x (APS6404L); not used";
      return;
    case hal::PsramVerdict::kFailedTest:
      text << "PSRAM   failed its test at offset ";
      text.hex(psram.bad_offset, 6) << ": wrote ";
      text.hex(psram.bad_expected, 8) << ", read ";
      text.hex(psram.bad_found, 8) << "; not used";
      return;
    case hal::PsramVerdict::kSkipped:
      text << "PSRAM   skipped";
      return;
    case hal::PsramVerdict::kReady:
      text << "PSRAM   ";
      size(text, psram.bytes) << ", QPI at ";
      megahertz(text, info.clocks.clk_sys_hz / psram.divider) << ", tested; reads ";
      megabytes_per_second(text, psram.read_kilobytes_per_second) << ", writes ";
      megabytes_per_second(text, psram.write_kilobytes_per_second);
      return;
  }
}

void append_led(Text& text, hal::LedState state) {
  text << "LED     ";
  switch (state) {
    case hal::LedState::kNotDriven:
      text << "not in this build";
      return;
    case hal::LedState::kSkipped:
      text << "skipped";
      return;
    case hal::LedState::kRadioSilent:
      text << "dark: it is on the radio, which does not answer";
      return;
    case hal::LedState::kRadioNoClock:
      text << "dark: it is on the radio, which answers but whose clock does not start";
      return;
    case hal::LedState::kRadioReady:
      text << "on the radio (not yet seen lit on a real board); /led blinks it";
      return;
    case hal::LedState::kRadioForgets:
      text << "on the radio, whose GPIO registers read back wrong; /led blinks it all the same";
      return;
    case hal::LedState::kReady:
      text << "breathes while it thinks";
      return;
  }
}

void append_guesses(Text& text, int tokens, int passes, int accepted, int drafted) {
  text.fixed(int64_t{tokens} * 100 / passes, 2)
      << " tokens a pass, " << accepted << " of " << drafted << " drafts";
}

void append_identity(Text& text, const hal::BoardInfo& info) {
  text << "pico-llama " << info.version << " on " << info.board_name;
}

void report_board(Output& output, hal::Board& board) {
  const hal::BoardInfo& info = board.info();
  TextOf<160> text;
  const auto line = [&] {
    output.line(text);
    text.clear();
  };
  append_identity(text, info);
  line();
  if (const hal::LastStop& stop = info.last_stop; stop.what != nullptr) {
    text << "restarted by itself: " << stop.what;
    if (stop.line != 0) text << " at " << stop.file << ":" << stop.line;
    if (stop.pc != 0) {
      text << " at pc ";
      text.hex(stop.pc, 8) << ", CFSR ";
      text.hex(stop.fault_status, 8);
    }
    text << ". Please report it";
    output.error(text);
    text.clear();
  }
  if (info.skipped != nullptr) {
    text << info.skipped
         << " hung or faulted on the last boot: skipped until the power is cycled. Please report it";
    output.error(text);
    text.clear();
  }
  text << "clocks  ";
  megahertz(text, info.clocks.clk_sys_hz) << ", core at ";
  text.fixed(info.clocks.core_millivolts / 10, 2) << " V, 2 Cortex-M33";
  line();
  text << "flash   ";
  size(text, info.flash.bytes) << (info.flash.continuous_quad ? ", quad continuous read at "
                                   : info.flash.quad_enabled
                                       ? ", quad read, a command each (no continuous read), at "
                                       : ", QE bit clear: dual read, half speed, at ");
  megahertz(text, info.clocks.clk_sys_hz / (info.flash.divider ? info.flash.divider : 1))
      << " (divider " << info.flash.divider_before << " to " << info.flash.divider;
  if (info.flash.misread_at_divider != 0) text << "; " << info.flash.misread_at_divider << " misread";
  text << "), JEDEC ";
  text.hex(info.flash.jedec_id, 6);
  line();
  append_psram(text, info);
  line();
  text << "SRAM    ";
  text.grouped(board.memory().sram.size()) << " B for the model";
  line();
  append_led(text, info.led);
  line();
}

void report_model(Output& output, hal::Board& board, ModelLoader& loader) {
  TextOf<200> text;
  switch (loader.state()) {
    case ModelState::kNone:
      output.line(
          "model   none. Hold BOOT while plugging in, then drag a MODEL.uf2 onto the drive that appears;");
      output.line("        make one with: pico-llama pack CHECKPOINT -z TOKENIZER --profile q8 -o MODEL.uf2");
      return;
    case ModelState::kBroken: {
      char why[160];
      loader.why().format(why, sizeof why);
      text << "model   cannot be used: " << why;
      output.error(text);
      return;
    }
    case ModelState::kTooLarge: {
      const Placement& p = loader.placement();
      text << "model   does not fit this board: needs ";
      text.grouped(p.sram_needed) << " B of SRAM, there are ";
      text.grouped(board.memory().sram.size()) << " B";
      if (board.memory().psram.empty()) text << " and no PSRAM";
      output.error(text);
      return;
    }
    case ModelState::kReady:
      break;
  }
  const Config& c = loader.image().config();
  const Placement& p = loader.placement();
  text << "model   ";
  append_name(text, loader.image().metadata());
  text << profile_name(loader.image().profile()) << ", " << c.n_layers << " layers of " << c.dim << ", "
       << c.n_heads << " heads, ";
  append_vocabulary(text, c);
  text << ", context " << p.context << "; ";
  text.grouped(loader.image().bytes().size()) << " B, loaded in " << loader.load_milliseconds() << " ms";
  output.line(text);
  if (p.context < c.seq_len) {
    text.clear();
    text << "        context is " << p.context << " of " << c.seq_len
         << " positions: the key/value cache is in SRAM";
    output.line(text);
  }
  if (loader.psram_gave_up())
    output.error("PSRAM changed the weights while they were copied: not used for the model");
  if (const int count = Cartridge::in(board.memory().model_slot).count(); count > 1) {
    text.clear();
    text << "        number " << loader.chosen() + 1 << " of " << count
         << " in flash; /model lists them, /model N and /profile choose";
    output.line(text);
  }
}

void report_cartridge(Output& output, const Cartridge& cartridge, int chosen) {
  for (int i = 0; i < cartridge.count(); ++i) {
    TextOf<128> text;
    text << (i == chosen ? "flash * " : "flash   ") << i + 1 << ": ";
    if (const ImageHeader* header = cartridge.header(i); header != nullptr) {
      append_name(text, cartridge.metadata(i));
      text << profile_name(static_cast<Profile>(header->profile)) << ", " << header->n_layers << " layers of "
           << header->dim << ", vocabulary " << header->vocab_size << "; ";
      text.grouped(header->file_bytes) << " B";
    } else {
      text << "none";
    }
    output.line(text);
  }
}

void report_memory(Output& output, hal::Board& board, ModelLoader& loader) {
  TextOf<160> text;
  if (loader.state() == ModelState::kReady) {
    const Placement& p = loader.placement();
    struct Sum {
      uint64_t bytes = 0;
      unsigned tensors = 0;
    } sums[3];
    for (const PlacementItem& item : loader.items()) {
      Sum& sum = sums[static_cast<unsigned>(item.memory)];
      sum.bytes += item.bytes;
      ++sum.tensors;
    }
    const auto row = [&](std::string_view what, uint64_t bytes, std::string_view where,
                         std::string_view note) {
      text.clear();
      text << what;
      text.column(18);
      TextOf<24> number;
      number.grouped(bytes);
      text.right(number.view(), 12) << " B  " << where;
      if (!note.empty()) {
        text.column(40);
        text << note;
      }
      output.line(text);
    };
    for (const hal::Memory memory : {hal::Memory::kSram, hal::Memory::kPsram, hal::Memory::kFlash}) {
      const Sum& sum = sums[static_cast<unsigned>(memory)];
      if (sum.tensors == 0) continue;
      TextOf<32> note;
      note << sum.tensors << (sum.tensors == 1 ? " tensor" : " tensors");
      row("weights", sum.bytes, name_of(memory), note.view());
    }
    TextOf<32> positions;
    positions << p.context << " positions";
    row("key/value cache", p.kv_bytes, name_of(p.kv_memory), positions.view());
    row("activations", p.state_bytes, "SRAM", "");
    if (p.stream_bytes != 0) row("stream", p.stream_bytes, "SRAM", "what is on its way from the bus");
    row("SRAM free", board.memory().sram.size() - p.sram_used, "", "");
    if (!board.memory().psram.empty()) row("PSRAM free", board.memory().psram.size() - p.psram_used, "", "");
    row("bus, each token", p.bus_bytes_per_token, "QSPI", "at half the context");
  } else {
    report_model(output, board, loader);
  }
  for (int core = 0; core < 2; ++core) {
    text.clear();
    text << "stack of core " << core << ": " << board.stack_used(core) << " of " << board.stack_bytes(core)
         << " B used at most";
    output.line(text);
  }
}

namespace {

/// A frame of its own for the longest line. Line ends are shown as in JSON.
[[gnu::noinline]] void report_template(Output& output, std::string_view prompt_template) {
  TextOf<24 + 2 * kMostTemplateBytes> text;
  text << "template \"";
  text.json(prompt_template) << '"';
  output.line(text);
}

void report_metadata(Output& output, const Metadata& metadata) {
  TextOf<32 + kMostAuthorsBytes> text;
  const auto line = [&](std::string_view what, std::string_view value) {
    if (value.empty()) return;
    text.clear();
    text << what << value;
    output.line(text);
  };
  line("name    ", metadata.name);
  line("authors ", metadata.authors);
  line("licence ", metadata.licence);
  if (!metadata.prompt_template.empty()) report_template(output, metadata.prompt_template);
  if (metadata.temperature < 0) return;
  text.clear();
  text << "advice  temperature ";
  append_float(text, metadata.temperature);
  output.line(text);
}

}  // namespace

void report_model_details(Output& output, ModelLoader& loader) {
  if (loader.state() != ModelState::kReady) return;
  const ModelImage& image = loader.image();
  report_metadata(output, image.metadata());
  const Config& c = image.config();
  TextOf<200> text;
  text << "shape   dim " << c.dim << ", hidden " << c.hidden_dim << ", layers " << c.n_layers << ", heads "
       << c.n_heads << ", kv heads " << c.n_kv_heads << ", ";
  append_vocabulary(text, c);
  text << ", trained context " << c.seq_len << ", "
       << (image.shared_classifier() ? "shared classifier" : "own classifier");
  output.line(text);
  text.clear();
  text << "sha256  checkpoint ";
  for (const uint8_t byte : image.header().checkpoint_sha256) text.hex(byte, 2);
  output.line(text);
  text.clear();
  text << "sha256  tokenizer  ";
  for (const uint8_t byte : image.header().tokenizer_sha256) text.hex(byte, 2);
  output.line(text);
}

}  // namespace pico_llama::app
