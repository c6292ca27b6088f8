#include "cli/dump_lines.h"

#include <algorithm>
#include <span>
#include <utility>

#include "cli/json.h"
#include "cli/json_lines.h"
#include "cli/name_text.h"
#include "cli/render.h"
#include "cli/values.h"

namespace nokv::cli {
namespace {

using codec::Kind;

// ---- reading

// Takes fields into a struct; the first thing wrong is kept.
class Taker {
 public:
  explicit Taker(const JsonLine& fields) : fields_(fields) {}

  bool has(std::string_view name) const { return fields_.find(name) != nullptr; }

  void bytes(std::string_view name, std::string& out) {
    if (const JsonField* it = fields_.find(name)) out = name_bytes(it->text);
  }
  void plain(std::string_view name, std::string& out) {
    if (const JsonField* it = fields_.find(name)) out = it->text;
  }
  template <class Number>
  void number(std::string_view name, Number& out) {
    const JsonField* it = fields_.find(name);
    if (it == nullptr) return;
    auto number = parse_number(it->text);
    if (!number || it->kind != JsonField::Kind::plain || !std::in_range<Number>(*number))
      return wrong(name);
    out = static_cast<Number>(*number);
  }
  void flag(std::string_view name, bool& out) {
    if (const JsonField* it = fields_.find(name)) out = it->text == "true";
  }
  void time(std::string_view name, int64_t& out) {
    const JsonField* it = fields_.find(name);
    if (it == nullptr || it->text.empty()) return;
    auto time = parse_rfc3339(it->text);
    if (!time) return wrong(name);
    out = *time;
  }
  void base64(std::string_view name, std::string& out) {
    const JsonField* it = fields_.find(name);
    auto bytes = it == nullptr ? Result<std::string>() : base64_bytes(it->text);
    if (!bytes) return wrong(name);
    out = *std::move(bytes);
  }
  std::span<const JsonField> object(std::string_view name) {
    const JsonField* it = fields_.find(name);
    return it == nullptr ? std::span<const JsonField>() : fields_.inner(*it);
  }
  void wrong(std::string_view name) {
    if (wrong_.empty()) wrong_ = name;
  }
  void need(std::string_view name) {
    if (!has(name)) wrong(name);
  }

  template <class Line>
  Result<DumpLine> done(Line&& line) {
    if (wrong_.empty()) return Result<DumpLine>(std::in_place, std::forward<Line>(line));
    bool there = has(wrong_);
    return fail(Code::invalid_argument, there ? "bad field '" : "needs a field '", wrong_, "'");
  }

 private:
  const JsonLine& fields_;
  std::string wrong_;
};

Kind kind_of(std::string_view name) {
  for (auto kind : {Kind::file, Kind::directory, Kind::symlink, Kind::fifo, Kind::socket,
                    Kind::block, Kind::character}) {
    if (kind_name(kind) == name) return kind;
  }
  return Kind::none;
}

bool take_digest(std::string_view text, codec::Digest& out) {
  size_t colon = text.find(':');
  std::string_view kind = text.substr(0, colon);
  size_t size = kind == "sha256" ? 32 : 16;
  if (colon == std::string_view::npos || (size == 16 && kind != "xxh3-128")) return false;
  auto bytes = hex_bytes(text.substr(colon + 1));
  if (!bytes || bytes->size() != size) return false;
  out.kind = size == 32 ? codec::DigestKind::sha256 : codec::DigestKind::xxh3_128;
  out.bytes = *std::move(bytes);
  return true;
}

Result<DumpLine> take_header(Taker& taker) {
  DumpHeader line;
  taker.number("dump", line.dump);
  if (line.dump > kDumpVersion) {
    return fail(Code::invalid_argument, "a dump of version ", line.dump, "; this program knows ",
                kDumpVersion);
  }
  taker.plain("namespace", line.namespace_id);
  taker.bytes("path", line.path);
  taker.number("version", line.version);
  taker.time("time", line.time_ns);
  taker.flag("bodies", line.bodies);
  return taker.done(std::move(line));
}

Result<DumpLine> take_snapshot(Taker& taker) {
  DumpSnapshot line;
  taker.bytes("snapshot", line.snapshot.name);
  taker.bytes("path", line.snapshot.path);
  taker.number("version", line.snapshot.version);
  taker.time("time", line.snapshot.time_ns);
  taker.time("expires", line.snapshot.expires_ns);
  for (const JsonField& it : taker.object("labels")) {
    line.snapshot.labels.push_back({name_bytes(it.name), name_bytes(it.text)});
  }
  return taker.done(std::move(line));
}

Result<DumpLine> take_node(Taker& taker) {
  DumpNode line;
  taker.bytes("path", line.path);
  taker.bytes("link", line.link);
  if (!line.path.starts_with('/')) taker.wrong("path");
  codec::Entry& entry = line.entry;
  if (!line.link.empty()) {
    taker.need("ctime");
    taker.time("ctime", entry.attributes.ctime_ns);
    return taker.done(std::move(line));
  }
  std::string kind;
  taker.plain("kind", kind);
  entry.kind = kind_of(kind);
  if (entry.kind == Kind::none) taker.wrong("kind");
  codec::Attributes& attributes = entry.attributes;
  for (auto name : {"mode", "mtime", "ctime", "btime"}) taker.need(name);
  taker.number("mode", attributes.mode);
  taker.number("uid", attributes.uid);
  taker.number("gid", attributes.gid);
  taker.time("mtime", attributes.mtime_ns);
  taker.time("ctime", attributes.ctime_ns);
  taker.time("btime", attributes.btime_ns);
  taker.number("rdev", attributes.rdev);
  taker.number("max_bytes", entry.quota.max_bytes);
  taker.number("max_entries", entry.quota.max_entries);
  if (entry.kind == Kind::file) {
    taker.need("size");
    taker.number("size", entry.body.size);
    std::string digest;
    taker.plain("digest", digest);
    if (!digest.empty() && !take_digest(digest, entry.body.digest)) taker.wrong("digest");
    taker.bytes("content_type", entry.body.content_type);
    taker.bytes("producer", entry.body.producer);
  }
  if (entry.kind == Kind::symlink) taker.need("target");
  taker.bytes("target", entry.target);
  for (const JsonField& it : taker.object("xattrs")) {
    auto bytes = base64_bytes(it.text);
    if (!bytes) {
      taker.wrong("xattrs");
      break;
    }
    entry.xattrs.push_back({name_bytes(it.name), *std::move(bytes)});
  }
  std::ranges::sort(entry.xattrs, {}, &codec::Xattr::name);
  return taker.done(std::move(line));
}

Result<DumpLine> take_line(Taker& taker) {
  if (taker.has("dump")) return take_header(taker);
  if (taker.has("snapshot")) return take_snapshot(taker);
  if (taker.has("data")) {
    DumpData line;
    taker.base64("data", line.bytes);
    return taker.done(std::move(line));
  }
  if (taker.has("end")) {
    DumpEnd line;
    taker.number("end", line.nodes);
    return taker.done(line);
  }
  return take_node(taker);
}

}  // namespace

// ---- writing

std::string dump_text(const DumpHeader& line) {
  return JsonObject()
      .add("dump", line.dump)
      .add("namespace", line.namespace_id)
      .add("path", name_text(line.path))
      .add("version", line.version)
      .add("time", rfc3339(line.time_ns))
      .add("bodies", line.bodies)
      .text();
}

std::string dump_text(const DumpSnapshot& line) {
  const codec::SnapshotInfo& it = line.snapshot;
  JsonObject object;
  object.add("snapshot", name_text(it.name))
      .add("path", name_text(it.path))
      .add("version", it.version)
      .add("time", rfc3339(it.time_ns));
  if (it.expires_ns != 0) object.add("expires", rfc3339(it.expires_ns));
  if (!it.labels.empty()) {
    JsonObject labels;
    for (const auto& label : it.labels) labels.add(name_text(label.key), name_text(label.value));
    object.add("labels", labels);
  }
  return object.text();
}

std::string dump_text(const DumpNode& line) {
  JsonObject object;
  object.add("path", name_text(line.path));
  const codec::Entry& entry = line.entry;
  const codec::Attributes& attributes = entry.attributes;
  if (!line.link.empty()) {
    object.add("link", name_text(line.link)).add("ctime", rfc3339(attributes.ctime_ns));
    return object.text();
  }
  object.add("kind", kind_name(entry.kind))
      .add("mode", attributes.mode)
      .add("uid", attributes.uid)
      .add("gid", attributes.gid)
      .add("mtime", rfc3339(attributes.mtime_ns))
      .add("ctime", rfc3339(attributes.ctime_ns))
      .add("btime", rfc3339(attributes.btime_ns));
  if (attributes.rdev != 0) object.add("rdev", attributes.rdev);
  if (entry.kind == Kind::file) {
    const codec::Body& body = entry.body;
    object.add("size", body.size);
    if (body.digest.kind != codec::DigestKind::none) object.add("digest", digest_text(body.digest));
    if (!body.content_type.empty()) object.add("content_type", name_text(body.content_type));
    if (!body.producer.empty()) object.add("producer", name_text(body.producer));
  }
  if (entry.kind == Kind::symlink) object.add("target", name_text(entry.target));
  if (entry.quota.max_bytes != 0) object.add("max_bytes", entry.quota.max_bytes);
  if (entry.quota.max_entries != 0) object.add("max_entries", entry.quota.max_entries);
  if (!entry.xattrs.empty()) {
    JsonObject xattrs;
    for (const auto& xattr : entry.xattrs) xattrs.add(name_text(xattr.name), base64(xattr.value));
    object.add("xattrs", xattrs);
  }
  return object.text();
}

std::string dump_text(const DumpData& line) {
  return JsonObject().add("data", base64(line.bytes)).text();
}

std::string dump_text(const DumpEnd& line) { return JsonObject().add("end", line.nodes).text(); }

Result<DumpLine> parse_dump_line(std::string_view text) {
  JsonLine fields;
  if (!fields.parse(text)) return fail(Code::invalid_argument, "is no line of a dump");
  Taker taker(fields);
  return take_line(taker);
}

}  // namespace nokv::cli
