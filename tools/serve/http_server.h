#pragma once

#include <cstddef>
#include <string>

#include "tools/serve/storyteller.h"

namespace pico_llama::serve {

struct ServerOptions {
  std::string host = "127.0.0.1";
  int port = 8080;          ///< 0: one that is free
  std::size_t queue = 8;    ///< stories that may wait beside the one being told
  std::string api_key;      ///< empty: none is asked for
  std::string cors_origin;  ///< empty: no page of another origin may read the answers
};

/// Serves until SIGINT or SIGTERM. Prints its address on stderr once it listens.
/// Errors: Failure if the address cannot be bound.
void serve(Storyteller& storyteller, const ServerOptions& options);

}  // namespace pico_llama::serve
