#include "cli/context.h"

#include <utility>

#include "cli/hints.h"
#include "cli/name_text.h"
#include "cli/paths.h"
#include "cli/values.h"
#include "meta/at.h"

namespace nokv::cli {

Context::~Context() { close(); }

const std::string& Context::store_url() {
  if (store_url_.empty()) store_url_ = settings.store().value;
  return store_url_;
}

Result<Client*> Context::client() {
  if (store_ == nullptr) {
    bool may_create = args.command().name == "init" && !dry_run();
    auto store = doors.open_store(store_url(), settings, may_create);
    if (!store) {
      Error error = std::move(store).error();
      if (error.code() == Code::invalid_argument) return usage(std::move(error));
      return std::unexpected(std::move(error));
    }
    store_ = *std::move(store);
  }
  return &store_->client();
}

void Context::close() {
  if (store_ == nullptr) return;
  (void)store_->client().close({.deadline = std::chrono::seconds(1), .stop = doors.stop});
  store_.reset();
}

client::CallOptions Context::call() const {
  return {.deadline = settings.duration("deadline"), .stop = doors.stop};
}

client::WriteOptions Context::write_options() const {
  return {.dry_run = dry_run(), .call = call()};
}

Result<std::string> Context::path(std::string_view text) {
  NOKV_ASSIGN(PathArgument parsed, as_usage(parse_path(text)));
  if (parsed.generation != 0) {
    return usage("'", text, "' is a citation; ", args.command().name, " takes a path");
  }
  return std::move(parsed.path);
}

void Context::shows(uint64_t version, int64_t time_ns) {
  if (told_at_ || find_option(args.command(), "at") == nullptr || !args.has("at")) return;
  const std::string& at = args.text("at");
  auto asked = meta::parse_time(at);
  if (auto age = meta::parse_age(at)) asked = to_unix_ns(doors.env.clock.wall()) - *age;
  if (!asked || time_ns >= *asked) return;
  told_at_ = true;
  out.note(str("nokv ", args.command().name, ": --at ", at, " shows v", version, " of ",
               rfc3339(time_ns)));
}

Error Context::with_hints(Error error, std::string_view path) {
  if (store_ == nullptr || usage_ || !error.hint().empty()) return error;
  std::string at = find_option(args.command(), "at") == nullptr ? "" : args.text("at");
  return add_hint(std::move(error), {.client = store_->client(),
                                     .url = store_url_,
                                     .embedded = store_->embedded(),
                                     .path = std::string(path),
                                     .at = std::move(at)});
}

void Context::report(Error error, std::string_view path) {
  out.flush();
  out.error(with_hints(std::move(error), path), path);
}

Exit Context::fail_with(Error error) {
  Exit exit = usage_ ? Exit::usage : exit_of(error);
  // The user's own interrupt is no failure of the server's.
  if (exit == Exit::unreachable && doors.stop.stop_requested()) exit = Exit::refused;
  if (exit == Exit::unknown && error.hint().empty()) {
    error = std::move(error).with_hint(subject_.empty()
                                           ? "it may have been done: look before you do it again"
                                           : str("'nokv stat ", shell_quoted(name_shown(subject_)),
                                                 "' shows whether it was done"));
  }
  if (exit == Exit::refused && error.code() == Code::cancelled && doors.stop.stop_requested()) {
    error = Error(Code::cancelled, "interrupted; nothing was changed by what was not finished");
  } else {
    error = with_hints(std::move(error), subject_);
  }
  out.error(error, subject_);
  return exit;
}

Result<> Context::confirm(std::string_view question) {
  if (!doors.in_terminal || args.global_flag("yes") || dry_run()) return {};
  out.flush();
  out.raw_err(str(printable(question), " [y/N] "));
  std::string answer;
  char byte = 0;
  while (answer.size() < 16) {
    NOKV_ASSIGN(size_t got, doors.in(std::span(&byte, 1)));
    if (got == 0 || byte == '\n') break;
    answer += byte;
  }
  if (answer == "y" || answer == "Y" || answer == "yes") return {};
  return fail(Code::failed_precondition, "not confirmed; nothing was done");
}

Exit Context::exit_of_many(size_t done, size_t failed, const std::optional<Error>& worst) {
  if (failed == 0) return Exit::done;
  if (worst && worst->outcome() == Outcome::maybe_done) return Exit::unknown;
  if (done > 0) return Exit::partly;
  return worst ? exit_of(*worst) : Exit::refused;
}

}  // namespace nokv::cli
