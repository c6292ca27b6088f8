// Writers for the tests that kill servers: they go on through every death of the server, and say
// what was acknowledged.
//
//   nokv_load URL WRITERS SECONDS
//
// Each writer publishes sets of two files, create-only, one after another: /WRITER/N/a and b, the
// small one with its own number in it, the other one with bytes that follow from the number. One
// line "WRITER N SIZE" on stdout says that set N was acknowledged; it is written before the next
// set begins. Ends with 1 when anything but a lost server was met: a set that took effect twice is
// such a thing, for then the second time is refused.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/posix/posix_env.h"
#include "base/posix/process.h"
#include "client/client.h"
#include "client/rpc_transport.h"
#include "net/asio_net.h"
#include "net/curl/curl_client.h"

namespace {

using namespace nokv;

// The body of set `n` of `writer`: every eighth is above what travels inside the request.
std::string body_of(size_t writer, uint64_t n) {
  size_t size = n % 8 == 7 ? 40'000 : 20 + n % 300;
  std::string body(size, '\0');
  uint64_t state = n * 1'000'003 + writer;
  for (char& c : body) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    c = static_cast<char>('a' + (state >> 33) % 26);
  }
  return body;
}

client::WriteItem item(const std::string& path, std::string body) {
  client::WriteItem it{.op = codec::Publish{.target = {.path = path},
                                            .exists = codec::Exists::create,
                                            .parents = true,
                                            .mode = 0644}};
  it.source = [body = std::move(body)]() -> Result<std::unique_ptr<client::Source>> {
    return std::make_unique<client::StringSource>(body);
  };
  return it;
}

std::atomic<bool> failed = false;

void write_sets(Client& client, size_t writer, std::chrono::steady_clock::time_point end) {
  for (uint64_t n = 0; std::chrono::steady_clock::now() < end && !failed; ++n) {
    std::string directory = str("/", writer, "/", n);
    std::string body = body_of(writer, n);
    size_t size = body.size();
    std::vector<client::WriteItem> items;
    items.push_back(item(directory + "/a", std::to_string(n)));
    items.push_back(item(directory + "/b", std::move(body)));
    auto done = client.write(std::move(items));
    if (!done) {
      failed = true;
      std::fprintf(stderr, "set %zu/%llu: %s\n", writer, static_cast<unsigned long long>(n),
                   done.error().message().c_str());
      return;
    }
    std::string line = str(writer, " ", n, " ", size, "\n");
    (void)std::fwrite(line.data(), 1, line.size(), stdout);
    (void)std::fflush(stdout);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fputs("usage: nokv_load URL WRITERS SECONDS\n", stderr);
    return 2;
  }
  ignore_broken_pipes();
  auto address = Address::parse(argv[1]);
  if (!address) return 2;
  PosixEnv posix;
  Env env = posix.env();
  net::AsioNet net(1);
  net::CurlClient http(env.clock, env.executors);
  // A server that is killed every half second is up for less than a tenth of one at times.
  Client client({client::make_rpc_transport(env, net, *address), env, &http},
                {.deadline = std::chrono::seconds(60)});
  auto end = std::chrono::steady_clock::now() + std::chrono::seconds(std::atoi(argv[3]));
  std::vector<std::jthread> writers;
  for (size_t i = 0; i < static_cast<size_t>(std::atoi(argv[2])); ++i) {
    writers.emplace_back([&client, i, end] { write_sets(client, i, end); });
  }
  writers.clear();
  return failed ? 1 : 0;
}
