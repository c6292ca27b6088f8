#include "cli/read_argument.h"

#include <utility>

#include "cli/paths.h"
#include "cli/write_rules.h"

namespace nokv::cli {

Result<ReadArgument> read_argument(Context& context, Client& client, std::string_view text) {
  NOKV_ASSIGN(PathArgument path, context.as_usage(parse_path(text)));
  ReadArgument argument{.path = std::move(path.path), .generation = path.generation};
  if (find_option(context.args.command(), "at") != nullptr) {
    argument.at.at = context.args.text("at");
  }
  if (argument.generation == 0 || !argument.at.at.empty()) return argument;
  client::CallOptions call = context.call();
  auto now = client.stat({.path = argument.path}, {.follow = true, .call = call});
  if (now && now->entry.body.generation == argument.generation) return argument;
  NOKV_ASSIGN(auto log, client.log({.target = {.path = argument.path}, .limit = 1000}, call));
  for (const auto& it : log.entries) {
    if (it.generation != argument.generation || !it.readable) continue;
    argument.at.at = it.at;
    if (!it.path.empty()) argument.path = it.path;  // it may have been renamed since
    return argument;
  }
  return std::unexpected(
      Error(Code::not_found,
            str(argument.path, ": generation ", argument.generation, " can no longer be read"))
          .with_hint(str("'nokv log ", path_argument(argument.path), "' lists those that can")));
}

Result<std::unique_ptr<client::Reader>> open_argument(Context& context, Client& client,
                                                      const ReadArgument& argument) {
  NOKV_ASSIGN(auto reader, client.open_read({.target = {.path = argument.path},
                                             .at = argument.at,
                                             .generation = argument.generation,
                                             .call = context.call()}));
  context.shows(reader->version(), reader->time_ns());
  return reader;
}

Result<> OutputSink::write(std::string_view bytes) {
  out_.write(bytes);
  if (out_.closed()) return fail(Code::cancelled, "nobody reads the output");
  return {};
}

Result<Exit> for_each_path(Context& context, const std::vector<std::string>& texts,
                           const std::function<Result<>(Client&, const ReadArgument&)>& one) {
  for (const auto& it : texts) NOKV_TRY(context.as_usage(parse_path(it)));
  NOKV_ASSIGN(Client * client, context.client());
  size_t done = 0;
  size_t failed = 0;
  std::optional<Error> worst;
  for (const auto& text : texts) {
    auto argument = read_argument(context, *client, text);
    Result<> result;
    if (argument) {
      result = one(*client, *argument);
    } else {
      result = std::unexpected(argument.error());
    }
    if (context.out.closed()) return Exit::done;
    if (result) {
      ++done;
      continue;
    }
    ++failed;
    std::string path = argument ? argument->path : text;
    // The last error of several paths is told like the others; of one path by the frame.
    if (texts.size() == 1) {
      context.about(path);
      return std::unexpected(std::move(result).error());
    }
    Error error = std::move(result).error();
    if (!worst || exit_of(error) == Exit::unreachable) worst = error;
    context.report(std::move(error), path);
    if (exit_of(*worst) == Exit::unreachable) break;  // the next would wait as long
  }
  return Context::exit_of_many(done, failed, worst);
}

}  // namespace nokv::cli
