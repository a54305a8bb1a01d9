// pico-llama uf2: files to drag onto the board.
#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "formats/output_file.h"
#include "tools/cli.h"
#include "tools/option_checks.h"
#include "tools/support/failure.h"
#include "tools/uf2/flash_image.h"

namespace pico_llama {
namespace {

struct Uf2Options {
  std::vector<std::string> files;
  std::string output;
};

int make_uf2(const Uf2Options& options) {
  OutputFile output(options.output, options.files);
  uf2::FlashImage image;
  for (const std::string& file : options.files) image.add_file(file);
  const std::vector<std::uint8_t> bytes =
      image.to_uf2(image.has_program() ? formats::kUf2FamilyRp2350ArmS : formats::kUf2FamilyData);
  output.write(bytes);
  output.commit();
  fmt::print(stderr, "{}: {} blocks, {} bytes of flash{}\n", options.output, image.page_count(),
             image.page_count() * formats::kUf2PayloadBytes,
             image.has_program() ? "" : " (no program: a model alone)");
  return 0;
}

}  // namespace

void add_uf2(Cli& cli) {
  CLI::App* sub =
      cli.app.add_subcommand("uf2", "Join programs and models into one file to drag onto the board");
  const auto options = std::make_shared<Uf2Options>();
  sub->add_option("files", options->files, "Any of: ELF, raw .bin, .uf2, model image .plm")
      ->type_name(kFileType)
      ->required();
  sub->add_option("-o,--output", options->output, "The .uf2 file to write")->type_name(kFileType)->required();
  sub->footer(
      R"(An ELF or UF2 knows its addresses; a model image goes to the model's place in flash, further ones behind it
(/model and /profile choose); a raw binary is a program and goes to the start of flash.

Examples:
  pico-llama uf2 firmware.elf -o firmware.uf2
  pico-llama uf2 firmware.uf2 stories260K.plm -o story.uf2
  pico-llama uf2 stories260K-q8.plm stories260K-f32.plm -o models.uf2)");
  sub->callback([&cli, options] { cli.action = [options] { return make_uf2(*options); }; });
}

}  // namespace pico_llama
