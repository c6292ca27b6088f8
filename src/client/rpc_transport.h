// A server, over a network.
#pragma once

#include <memory>

#include "base/env/env.h"
#include "base/env/net.h"
#include "client/transport.h"

namespace nokv::client {

// `env` and `net` outlive the transport. Connects when it is first used.
std::unique_ptr<Transport> make_rpc_transport(const Env& env, Net& net, const Address& address);

}  // namespace nokv::client
