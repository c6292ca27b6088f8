#include <map>
#include <utility>

#include "cli/cmd/rows.h"
#include "cli/context.h"
#include "cli/dump_lines.h"
#include "cli/paths.h"
#include "cli/progress.h"
#include "cli/write_rules.h"
#include "client/walk.h"

namespace nokv::cli {
namespace {

constexpr Duration kKeepEvery = std::chrono::seconds(10);

class Dumper {
 public:
  Dumper(Context& context, Client& client, std::string path)
      : context_(context),
        client_(client),
        path_(std::move(path)),
        progress_(context.out, context.doors.env.clock, "dump"),
        walker_(client, {.target = {.path = path_},
                         .at = {.at = context.args.text("at")},
                         .call = context.call()}),
        kept_(context.doors.env.clock.now()) {}

  Result<> run() {
    NOKV_ASSIGN(auto first, walker_.next());
    NOKV_TRY(head());
    for (auto next = std::move(first); next;) {
      NOKV_TRY(node(*next));
      NOKV_ASSIGN(next, walker_.next());
    }
    return line(dump_text(DumpEnd{nodes_}));
  }

 private:
  Result<> line(const std::string& text) {
    context_.out.line(text);
    progress_.add(text.size() + 1);
    if (const Error* broken = context_.out.broken()) return std::unexpected(*broken);
    if (context_.out.closed()) return fail(Code::cancelled, "nobody reads the output");
    return {};
  }

  Result<> head() {
    NOKV_ASSIGN(auto status, client_.status(context_.call()));
    NOKV_TRY(line(dump_text(DumpHeader{kDumpVersion, status.namespace_id, path_, walker_.version(),
                                       walker_.time_ns(), context_.args.has("bodies")})));
    NOKV_ASSIGN(auto all, client_.snapshots({.target = {.path = path_}}, context_.call()));
    for (auto& it : all.snapshots) NOKV_TRY(line(dump_text(DumpSnapshot{std::move(it)})));
    return {};
  }

  Result<> node(client::WalkEntry& next) {
    NOKV_TRY(keep());
    ++nodes_;
    progress_.add_file();
    DumpNode out{next.path.empty() ? "/" : next.path, std::move(next.entry), {}};
    if (out.entry.kind != codec::Kind::directory && out.entry.links > 1) {
      auto [name, first] = names_.try_emplace(out.entry.id, out.path, out.entry.links);
      if (!first) {
        out.link = name->second.first;
        if (--name->second.second == 1) names_.erase(name);
      }
    }
    NOKV_TRY(line(dump_text(out)));
    bool bytes = out.entry.kind == codec::Kind::file && out.link.empty() && out.entry.body.size > 0;
    if (bytes && context_.args.has("bodies")) return body(next.directory, out.entry);
    return {};
  }

  Result<> body(const codec::NodeId& directory, const codec::Entry& entry) {
    NOKV_ASSIGN(auto reader, client_.open_read({.target = {.path = entry.name, .id = directory},
                                                .at = walker_.at(),
                                                .generation = entry.body.generation,
                                                .check_digest = true,
                                                .call = context_.call()}));
    Lines lines(*this);
    NOKV_TRY(reader->copy_to(lines));
    return lines.end();
  }

  // Bytes into lines of them.
  class Lines final : public client::Sink {
   public:
    explicit Lines(Dumper& dumper) : dumper_(dumper) {}
    Result<> write(std::string_view bytes) override {
      while (!bytes.empty()) {
        size_t count = std::min(bytes.size(), kDumpDataBytes - data_.bytes.size());
        data_.bytes += bytes.substr(0, count);
        bytes.remove_prefix(count);
        if (data_.bytes.size() == kDumpDataBytes) NOKV_TRY(end());
      }
      return dumper_.keep();
    }
    Result<> end() {
      if (data_.bytes.empty()) return {};
      Result<> written = dumper_.line(dump_text(data_));
      data_.bytes.clear();
      return written;
    }

   private:
    Dumper& dumper_;
    DumpData data_;
  };

  // The server forgets a version that nobody asks of.
  Result<> keep() {
    if ((nodes_ & 255) != 0 && !context_.args.has("bodies")) return {};
    auto now = context_.doors.env.clock.now();
    if (now - kept_ < kKeepEvery) return {};
    kept_ = now;
    return walker_.keep();
  }

  Context& context_;
  Client& client_;
  const std::string path_;
  Progress progress_;
  client::Walker walker_;
  Clock::Instant kept_;
  uint64_t nodes_ = 0;
  // Files with several names: the first of them, and how many names were not met yet, that one
  // included.
  std::map<codec::NodeId, std::pair<std::string, uint32_t>> names_;
};

Result<Exit> run(Context& context) {
  std::string path = "/";
  if (!context.args.positionals().empty()) {
    NOKV_ASSIGN(path, context.path(context.args.positional(0)));
  }
  NOKV_ASSIGN(Client * client, context.client());
  context.about(path);
  Dumper dumper(context, *client, path);
  auto dumped = dumper.run();
  if (!dumped && dumped.error().code() == Code::stale) {
    return std::unexpected(std::move(dumped).error().with_hint(
        "whoever reads the output was too slow: dump a snapshot with --at"));
  }
  if (!dumped) return std::unexpected(std::move(dumped).error());
  return Exit::done;
}

}  // namespace

Command dump_row() {
  return {
      .name = "dump",
      .group = Group::upkeep,
      .summary = "write a directory as text",
      .text =
          "One JSON object per line, on standard output: all names, attributes, times, extended "
          "attributes, links, special files, and size, digest, content type and producer of "
          "bodies, of one version. With --bodies the bytes too. 'nokv load' makes the same "
          "directory of it, here or elsewhere; a dump of that has the same lines of nodes. "
          "docs/formats/dump.md describes the lines.\n\n"
          "Without --bodies a dump can be loaded only into the namespace it is of, while the "
          "version dumped can be read: dump a snapshot with --at, and keep that.",
      .positionals = {{.name = "PATH", .kind = ValueKind::path, .min = 0}},
      .options = {at_option("as it was: a snapshot, v123, a time, an age"),
                  {.name = "bodies", .help = "the bytes of files too"}},
      .examples = {{"nokv dump --bodies /runs", ""}, {"nokv dump --at nightly", ""}},
      .run = run};
}

}  // namespace nokv::cli
