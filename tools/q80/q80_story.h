#pragma once

#include <string>

#include "tools/story.h"

namespace pico_llama::q80 {

/// tell_story() in runq.c's arithmetic, from a version 2 checkpoint. One thread; no stop string.
Story tell_story(const std::string& model, const std::string& tokenizer_path, const std::string& prompt,
                 const SessionOptions& options, const OnText& on_text);

}  // namespace pico_llama::q80
