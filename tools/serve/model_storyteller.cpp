#include "tools/serve/model_storyteller.h"

#include <chrono>

#include "tools/story.h"

namespace pico_llama::serve {
namespace {

using Clock = std::chrono::steady_clock;

}  // namespace

ModelStoryteller::ModelStoryteller(ModelSource source, std::string name, int threads)
    : source_(std::move(source)), name_(std::move(name)), workers_(threads) {
  const ModelImage& image = source_.image();
  if (!image.metadata().name.empty()) name_ = image.metadata().name;
  const int context = image.config().seq_len;
  memory_ = packer::ImageBytes(value_or_fail(Session::bytes_needed(image, context, threads)));
  session_ = value_or_fail(Session::create(image, context, memory_, workers_));
}

StoryEnd ModelStoryteller::tell(const StoryRequest& request, const OnText& on_text,
                                const std::atomic<bool>& cancelled) {
  SessionOptions options;
  options.sampler.temperature = request.temperature ? static_cast<float>(*request.temperature)
                                                    : source_.image().metadata().temperature_or_default();
  options.use_template = request.use_template;
  options.sampler.topp = static_cast<float>(request.topp);
  options.sampler.seed = request.seed;
  options.steps = 0;
  options.cancel = &cancelled;
  if (const Status status = session_.begin(request.prompt, options); !status.ok())
    throw Refused(text_of(status));

  StoryEnd end;
  end.prompt_tokens = static_cast<int>(session_.prompt_tokens().size());
  Clock::time_point first;
  for (bool more = true; more;) {
    const SessionStep step = session_.step();
    if (session_.generated() <= 1) first = Clock::now();
    end.ended = step.stop == StopReason::kEnd;
    more = step.stop == StopReason::kNone;
    if (step.from_prompt) continue;
    const bool is_token = step.token >= 0 && !end.ended;
    if (is_token || !step.text.empty()) more = on_text(step.text, is_token) && more;
  }
  const std::chrono::duration<double> seconds = Clock::now() - first;
  if (session_.generated() > 1) end.tokens_per_second = (session_.generated() - 1) / seconds.count();
  return end;
}

}  // namespace pico_llama::serve
