// A namespace opened in this process: the same service, without the wire.
#pragma once

#include <memory>
#include <string>

#include "base/env/clock.h"
#include "client/transport.h"
#include "shard/service.h"

namespace nokv::client {

// `clock` and `service` outlive the transport. `name` is for messages: "file:///data".
std::unique_ptr<Transport> make_embedded_transport(const Clock& clock, shard::Service& service,
                                                   std::string name);

}  // namespace nokv::client
