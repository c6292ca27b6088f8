#include <cerrno>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timex.h>
#include <unistd.h>

#include "cli/cmd/rows.h"
#include "cli/context.h"
#include "cli/hints.h"
#include "cli/name_text.h"
#include "cli/paths.h"
#include "cli/render.h"
#include "cli/serve_options.h"
#include "cli/values.h"
#include "object/s3/probe.h"

namespace nokv::cli {
namespace {

constexpr uint64_t kOpenFilesWanted = 65'536;
constexpr uint64_t kFreeBytesWanted = 1ULL << 30;

class Doctor {
 public:
  explicit Doctor(Context& context) : context_(context), out_(context.out) {}

  Exit run() {
    bool served = server();
    clock();
    port(served);
    limits();
    disk();
    objects();
    out_.note(str(failed_, " failed, ", warned_, " warned"));
    return failed_ > 0 ? Exit::refused : Exit::done;
  }

 private:
  void tell(std::string name, std::string_view status, std::string detail, std::string fix = {}) {
    if (status == "failed") ++failed_;
    if (status == "warned") ++warned_;
    Check check{std::move(name), std::string(status), std::move(detail), std::move(fix)};
    if (out_.json()) return out_.line(check_json(check));
    std::string_view color = status == "passed" ? "32" : status == "warned" ? "33" : "31";
    std::string padded = check.name;
    padded.resize(std::max<size_t>(padded.size(), 18), ' ');
    out_.line(str(out_.colored(status, color), "  ", padded, " ", printable(check.detail)));
    if (!check.fix.empty()) out_.line(str("        ", "fix: ", check.fix));
    out_.flush();
  }
  void passed(std::string name, std::string detail) {
    tell(std::move(name), "passed", std::move(detail));
  }

  // True when a server answers.
  bool server() {
    auto client = context_.client();
    Result<codec::StatusReply> status =
        client ? (*client)->status(context_.call()) : std::unexpected(client.error());
    if (!status) {
      tell("server", "failed", status.error().message(),
           status.error().hint().empty() ? unreachable_hint() : status.error().hint());
      return false;
    }
    passed("server", str(context_.store_url(), " answers, ", status->server_version));
    if (status->initialised) {
      passed("namespace", str("version ", status->version, ", ", status->totals.files, " files"));
    } else {
      tell("namespace", "warned", "there is none yet", "nokv init");
    }
    if (status->object_store_error.empty()) {
      passed("server's store", status->object_store);
    } else {
      tell("server's store", "failed", str(status->object_store, ": ", status->object_store_error),
           "correct the server's --object-* options or credentials, then start it again");
    }
    return true;
  }

  void clock() {
    timex state{};
    int synchronised = ::adjtimex(&state);
    WallTime now = context_.doors.env.clock.wall();
    // Nobody can have made this program before its own year.
    if (to_unix_ns(now) < 1'735'689'600'000'000'000) {
      tell("clock", "failed", str("it is ", rfc3339(to_unix_ns(now)), " here"),
           "set the clock; S3 refuses signatures that are off by 15 minutes");
    } else if (synchronised == TIME_ERROR || (state.status & STA_UNSYNC) != 0) {
      tell("clock", "warned", str(rfc3339(to_unix_ns(now)), ", and nothing keeps it right"),
           "run an NTP client (chrony, systemd-timesyncd), unless the host keeps it");
    } else {
      passed("clock", str(rfc3339(to_unix_ns(now)), ", kept right"));
    }
  }

  // Whether the server could listen; one that answers holds the port already.
  void port(bool served) {
    auto address = Address::parse(context_.settings.text("server-bind"));
    if (!address) {
      return tell("port", "failed", address.error().message(), "--server-bind HOST:PORT");
    }
    if (served && !context_.embedded()) return passed("port", "the server listens");
    if (address->is_unix() || address->port == 0) return passed("port", address->to_string());
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(address->port);
    if (::inet_pton(AF_INET, address->host.c_str(), &in.sin_addr) != 1) {
      return passed("port", str(address->to_string(), " (not tried)"));
    }
    int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int yes = 1;
    (void)::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    const auto* raw = static_cast<const sockaddr*>(static_cast<const void*>(&in));
    int error_number = ::bind(fd, raw, sizeof in) == 0 ? 0 : errno;
    ::close(fd);
    if (error_number == 0) return passed("port", str(address->to_string(), " is free"));
    tell("port", "failed",
         str(address->to_string(), error_number == EADDRINUSE ? " is taken by another program"
                                                              : " cannot be listened on"),
         "choose another: --server-bind 127.0.0.1:PORT");
  }

  void limits() {
    rlimit limit{};
    (void)::getrlimit(RLIMIT_NOFILE, &limit);
    // The server raises the soft limit by itself.
    if (limit.rlim_max >= kOpenFilesWanted) {
      passed("open files", str("up to ", limit.rlim_max));
    } else {
      tell("open files", "warned", str("at most ", limit.rlim_max),
           str("ulimit -Hn ", kOpenFilesWanted, ", or LimitNOFILE= in the service"));
    }
  }

  void disk() {
    std::string meta = context_.settings.text("meta");
    Files& files = context_.doors.env.files;
    std::string where = meta;
    while (!files.exists(where).value_or(false) && where.size() > 1 &&
           where.find('/') != std::string::npos) {
      where = std::string(parent_path(where));
    }
    auto free = files.free_bytes(where.empty() ? "." : where);
    if (!free) return tell("disk", "failed", free.error().message(), "--meta DIR");
    std::string detail = str(human_size(*free), " free for ", meta);
    if (::access(where.empty() ? "." : where.c_str(), W_OK) != 0) {
      tell("disk", "failed", str(where, " cannot be written to"),
           "--meta DIR, or the directory's owner");
    } else if (*free < kFreeBytesWanted) {
      tell("disk", "warned", detail, "free some space, or --meta on another disk");
    } else {
      passed("disk", detail);
    }
  }

  // The store that a server started with these options would use.
  void objects() {
    auto options = object_options(context_.settings);
    if (!options) {
      return tell("object store", "failed", options.error().message(), options.error().hint());
    }
    if (options->backend == ObjectBackend::memory) {
      return tell("object store", "warned", "bodies in memory are gone with the server",
                  "--object-backend local, s3 or rustfs");
    }
    if (options->backend == ObjectBackend::local) {
      return passed("object store", "bodies in the data directory");
    }
    auto objects = context_.doors.open_objects(context_.settings);
    if (!objects) {
      return tell("object store", "failed", objects.error().message(), objects.error().hint());
    }
    auto source = (*objects)->credentials();
    if (!source) {
      return tell("credentials", "failed", source.error().message(),
                  source.error().hint().empty()
                      ? "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
                      : source.error().hint());
    }
    credentials(*options, *source);
    probe((*objects)->store());
  }

  void credentials(const ObjectOptions& options, const std::string& source) {
    bool development =
        options.backend == ObjectBackend::rustfs && source.find("rustfs") != std::string::npos;
    if (development && !is_local_url(options.endpoint)) {
      return tell(
          "credentials", "warned",
          str("the development pair, for ", options.endpoint, ", which is not this machine"),
          "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
    }
    passed("credentials", str("from ", source));
  }

  void probe(object::ObjectStore& store) {
    const Env& env = context_.doors.env;
    auto checks =
        object::probe(store, env.clock, env.random, context_.settings.duration("deadline"));
    for (const auto& it : checks) {
      if (it.passed) {
        passed(it.name, it.detail.empty() ? store.description() : it.detail);
      } else {
        tell(it.name, "failed", it.detail, fix_of(it.name));
      }
    }
  }

  static std::string fix_of(std::string_view name) {
    if (name.find("exclusive") != std::string_view::npos) {
      return "this store ignores If-None-Match and must not be used for logs or by two servers; "
             "choose another one";
    }
    return "check the bucket's name, the endpoint, and what the credentials may do";
  }

  Context& context_;
  Output& out_;
  uint64_t failed_ = 0;
  uint64_t warned_ = 0;
};

Result<Exit> run(Context& context) { return Doctor(context).run(); }

}  // namespace

Command doctor_row() {
  return {.name = "doctor",
          .group = Group::server,
          .summary = "look for what is wrong, and say what helps",
          .text =
              "Checks the server, the clock, the port, the limits, the disk, and with "
              "--object-backend s3 or rustfs the credentials and the store itself: it writes, "
              "reads and removes a few objects below nokv-probe/, and finds stores that ignore "
              "conditions. Ends with 1 when a check failed.",
          .positionals = {},
          .options = {},
          .examples = {{"nokv --object-backend s3 --object-bucket models doctor", ""}},
          .run = run};
}

}  // namespace nokv::cli
