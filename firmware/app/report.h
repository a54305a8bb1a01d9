/// Reports on bring-up and model placement, for the banner, /mem and /model.
#pragma once

#include "firmware/app/kernel_cases.h"
#include "firmware/app/model_loader.h"
#include "firmware/app/output.h"
#include "hal/board.h"

namespace pico_llama::app {

/// The banner's first line: name, version, board.
void append_identity(Text& text, const hal::BoardInfo& info);
/// The banner: that line, then one for each step of bring-up.
void report_board(Output& output, hal::Board& board);
/// One line: PSRAM's state in words.
/// The banner's line for the LED.
void append_led(Text& text, hal::LedState state);
void append_psram(Text& text, const hal::BoardInfo& info);
/// One or two lines: the model, or why there is none and what to do.
void report_model(Output& output, hal::Board& board, ModelLoader& loader);
/// One line for each model in flash, from its header alone.
void report_cartridge(Output& output, const Cartridge& cartridge, int chosen);
/// The memory table: contents and free space.
void report_memory(Output& output, hal::Board& board, ModelLoader& loader);
/// More about the model: shape, hashes.
void report_model_details(Output& output, ModelLoader& loader);

/// " 64 rows, 172 columns, 1 tokens".
void append_shape(Text& text, std::span<const std::string_view> names, const KernelShape& shape);

/// "2.41 tokens a pass, 60 of 85 drafts". Requires: passes > 0.
void append_guesses(Text& text, int tokens, int passes, int accepted, int drafted);

std::string_view name_of(hal::Memory memory);

}  // namespace pico_llama::app
