// What a command is given: its arguments, the settings, the outputs, and the namespace.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/env/env.h"
#include "cli/arguments.h"
#include "cli/output.h"
#include "cli/settings.h"
#include "client/client.h"
#include "object/object_store.h"

namespace nokv::cli {

struct ServeOptions;

// A namespace that was reached, and all that reaching it took. One process has at most one.
class Store {
 public:
  virtual ~Store() = default;
  virtual Client& client() = 0;
  // Opened by this very process (file:///).
  virtual bool embedded() const = 0;
  // What a further client is made of, with a connection of its own; none may outlive the store.
  virtual client::ClientParts connect() = 0;
};

// An object store as the settings name it, and all that reaching it took.
class Objects {
 public:
  virtual ~Objects() = default;
  virtual object::ObjectStore& store() = 0;
  // Where the credentials come from; empty where none are needed.
  // Errors: permission_denied (there are none), unavailable. Blocks.
  virtual Result<std::string> credentials() = 0;
};

// Where objects lie, besides those of bodies.
struct ObjectPlace {
  std::string url;
  std::string endpoint = {};
  std::string region = {};
};

// The process's doors, as main() or a test picks them. All functions may block.
struct Doors {
  Env env;
  Surroundings surroundings;
  Writer out;
  Writer err;
  // Up to buffer.size() bytes of standard input; 0 at its end.
  std::function<Result<size_t>(std::span<char>)> in;
  bool in_terminal = false;
  bool out_terminal = false;
  bool err_terminal = false;
  // Reaches the namespace that `url` names; need not wait until it answers. `may_create`: makes
  // the directory of an embedded one.
  std::function<Result<std::unique_ptr<Store>>(const std::string& url, const Settings& settings,
                                               bool may_create)>
      open_store;
  std::function<Result<std::unique_ptr<Objects>>(const Settings& settings)> open_objects;
  // The object store that `url` names: file:///DIR or s3://BUCKET/PREFIX. An endpoint or region
  // that is empty is that of the settings.
  std::function<Result<std::unique_ptr<Objects>>(const ObjectPlace& place,
                                                 const Settings& settings)>
      open_place;
  // Runs a command line with a shell, its own output being this process's; gives its exit code, or
  // 128 + the signal that ended it. `input` is its standard input, `variables` are added to its
  // environment.
  std::function<Result<int>(const std::string& command, std::string_view input,
                            const std::vector<std::pair<std::string, std::string>>& variables)>
      run_shell;
  // Serves until it is told to stop.
  std::function<Result<Exit>(Context& context, const ServeOptions& options)> serve;
  std::stop_token stop;  // the user interrupted
};

class Context {
 public:
  Context(const Arguments& arguments, const Settings& the_settings, Output& output,
          Doors& the_doors)
      : args(arguments), settings(the_settings), out(output), doors(the_doors) {}
  ~Context();

  const Arguments& args;
  const Settings& settings;
  Output& out;
  Doors& doors;

  // The namespace, reached when first asked for; until then nothing was sent.
  Result<Client*> client();
  const std::string& store_url();
  bool embedded() const { return store_ != nullptr && store_->embedded(); }
  // The store of client(), once that was asked for.
  Store& store() { return *store_; }
  // Closes the session. Its errors change nothing: what was done is done.
  void close();

  bool dry_run() const { return args.global_flag("dry-run"); }
  client::CallOptions call() const;
  client::WriteOptions write_options() const;

  // For mistakes on the command line: the process ends with Exit::usage.
  std::unexpected<Error> usage(const auto&... parts) {
    return usage(Error(Code::invalid_argument, str(parts...)));
  }
  std::unexpected<Error> usage(Error error) {
    usage_ = true;
    return std::unexpected(std::move(error));
  }
  // The same for a value that may be one.
  template <class T>
  Result<T> as_usage(Result<T> value) {
    if (!value) usage_ = true;
    return value;
  }

  // A path argument. Errors are those of usage.
  Result<std::string> path(std::string_view text);

  // The path that the next error is about.
  void about(std::string_view path) { subject_ = path; }
  const std::string& subject() const { return subject_; }

  // What --at names when it is a time or an age, and what was read is older: tells people once.
  void shows(uint64_t version, int64_t time_ns);

  // Tells an error of one among several paths; the command goes on.
  void report(Error error, std::string_view path);

  // The code and the words for an error that ends the command, near misses included.
  Exit fail_with(Error error);

  // Asks "QUESTION [y/N]" when stdin is a terminal and --yes was not given.
  // Errors: cancelled when the answer is not yes.
  Result<> confirm(std::string_view question);

  // Exit of a command that did `done` of `done + failed` things, the last of which failed with
  // `worst`.
  static Exit exit_of_many(size_t done, size_t failed, const std::optional<Error>& worst);

 private:
  Error with_hints(Error error, std::string_view path);

  std::unique_ptr<Store> store_;
  std::string store_url_;
  std::string subject_;
  bool usage_ = false;
  bool told_at_ = false;
};

// Runs one command line: parses, reads the settings, runs, tells errors. Returns the exit code.
int run_command_line(const std::vector<std::string>& words, Doors& doors);

}  // namespace nokv::cli
