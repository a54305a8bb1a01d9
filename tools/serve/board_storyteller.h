#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "tools/console/dialogue.h"
#include "tools/console/serial_line.h"
#include "tools/serve/storyteller.h"
#include "tools/serve/virtual_board.h"

namespace pico_llama::serve {

/// A board at a serial port, or the virtual one.
class BoardStoryteller final : public Storyteller {
 public:
  /// `port`: empty for the one board that is plugged in, whatever its port is called then.
  BoardStoryteller(std::string port, std::chrono::milliseconds patience);
  /// A virtual board that starts with these files, and again whenever it ends.
  BoardStoryteller(std::vector<std::string> images, std::chrono::milliseconds patience);

  /// The name of the model on the board, known once it has answered.
  std::string model() const override;
  void check() override;
  StoryEnd tell(const StoryRequest& request, const OnText& on_text,
                const std::atomic<bool>& cancelled) override;

 private:
  void connect();
  void disconnect();

  const std::string port_;
  const std::vector<std::string> images_;
  const std::chrono::milliseconds patience_;
  const std::atomic<bool> never_{false};
  std::optional<VirtualBoard> virtual_board_;
  std::optional<console::SerialLine> line_;
  std::optional<console::Dialogue> dialogue_;
  mutable std::mutex mutex_;  ///< for name_, which requests read
  std::string name_ = "pico-llama";
};

}  // namespace pico_llama::serve
