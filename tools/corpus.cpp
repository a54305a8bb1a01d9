// pico-llama corpus: generates children's stories from a grammar, as training text.
#include <memory>
#include <string>

#include "formats/output_file.h"
#include "tools/cli.h"
#include "tools/option_checks.h"
#include "trainer/corpus/story.h"

namespace pico_llama {
namespace {

struct CorpusOptions {
  std::uint64_t seed = 1;
  std::size_t stories = 1000;
  std::string output;
};

int run(const CorpusOptions& options) {
  OutputFile file(options.output);
  file.write(trainer::make_corpus(options.seed, options.stories));
  file.commit();
  return 0;
}

}  // namespace

void add_corpus(Cli& cli) {
  CLI::App* sub = cli.app.add_subcommand("corpus", "Write stories to train a model on");
  const auto o = std::make_shared<CorpusOptions>();
  sub->add_option("--seed", o->seed, "The same seed gives the same stories")->capture_default_str();
  sub->add_option("--stories", o->stories, "How many; no two are equal")
      ->check(CLI::Range(std::size_t{1}, std::size_t{5'000'000}))
      ->capture_default_str();
  sub->add_option("-o,--output", o->output, "Text file: one story a line, an empty line after each")
      ->type_name(kFileType)
      ->required();
  sub->footer(R"(Examples:
  pico-llama corpus --stories 3 -o /dev/stdout
  pico-llama corpus --seed 1 --stories 120000 -o stories.txt)");
  sub->callback([&cli, o] { cli.action = [o] { return run(*o); }; });
}

}  // namespace pico_llama
