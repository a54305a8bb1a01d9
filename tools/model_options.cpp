#include "tools/model_options.h"

#include <string>
#include <vector>

namespace pico_llama {

void add_q4_settings(CLI::App& sub, Q4Settings& settings) {
  std::vector<std::string> names = q4_matrix_names();
  names.insert(names.begin(), {"auto", "none"});
  sub.add_option(
         "--calibration", settings.calibration_tokens,
         "q4: tokens of the model's own stories that its rounding is fitted to; 0: none, which is faster "
         "and worse")
      ->check(CLI::Range(0, 1 << 20))
      ->capture_default_str();
  sub.add_option(
         "--q8", settings.keep_q8,
         "q4: matrices that keep 8 bits, as wo,w2 (wq, wk and wv go together, as do w1 and w3), or none; "
         "auto: w1, w2, w3 of a model narrower than 256, which feels 4 bits most")
      ->delimiter(',')
      ->check(CLI::IsMember(names))
      ->default_str("auto");
}

void add_metadata_options(CLI::App& sub, ModelMetadata& metadata) {
  sub.add_option("--name", metadata.name, "What the model is called where several are listed");
  sub.add_option("--template", metadata.prompt_template,
                 "How a prompt is wrapped: text with {prompt} in it, such as 'Question: {prompt} Answer:'");
  sub.add_option("--temperature", metadata.temperature,
                 "The temperature that stories are told at unless somebody says otherwise")
      ->check(CLI::Range(0.0, 10.0));
  sub.add_option("--licence,--license", metadata.licence, "Shown by info and /model");
  sub.add_option("--authors", metadata.authors, "Shown by info and /model");
}

}  // namespace pico_llama
