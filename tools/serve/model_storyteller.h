#pragma once

#include <memory>
#include <string>

#include "engine/session.h"
#include "tools/model_source.h"
#include "tools/packer/image_bytes.h"
#include "tools/serve/storyteller.h"
#include "tools/support/thread_workers.h"

namespace pico_llama::serve {

/// A model on this PC.
class ModelStoryteller final : public Storyteller {
 public:
  /// `name`: as /v1/models shows it where the model has none of its own. Errors: Failure (too little memory).
  ModelStoryteller(ModelSource source, std::string name, int threads);

  std::string model() const override { return name_; }
  void check() override {}
  StoryEnd tell(const StoryRequest& request, const OnText& on_text,
                const std::atomic<bool>& cancelled) override;

 private:
  const ModelSource source_;
  std::string name_;
  ThreadWorkers workers_;
  packer::ImageBytes memory_;
  Session session_;
};

}  // namespace pico_llama::serve
