#include "meta/check/check.h"

#include <algorithm>
#include <utility>

#include "codec/crc32c.h"
#include "meta/at.h"
#include "meta/check/blob_passes.h"
#include "meta/check/clone_passes.h"
#include "meta/check/node_passes.h"
#include "meta/check/past_passes.h"
#include "meta/check/past_trees_pass.h"
#include "meta/check/shortcut_pass.h"
#include "meta/check/table_passes.h"

namespace nokv::meta::fsck {

using codec::Kind;

Check::Check(const std::shared_ptr<const State>& state, Options options)
    : options_(std::move(options)),
      // Without the cache: what the engine's files say is checked, and its rows are hot for others.
      subject_{state, View(state->snapshot, state->record.version, nullptr)} {}

Result<std::unique_ptr<Check>> Check::begin(const std::shared_ptr<const State>& state,
                                            Options options) {
  std::unique_ptr<Check> check(new Check(state, std::move(options)));
  check->whole_ = check->options_.path.find_first_not_of('/') == std::string::npos;
  if (check->whole_) {
    check->add_all();
  } else {
    NOKV_TRY(check->add_part());
  }
  return check;
}

Result<> Check::see_file(const std::string& path, const codec::Body& body, const NodeId& id) {
  if (body.digest.kind != codec::DigestKind::none) bodies_.push_back({path, body});
  std::vector<Mention> mentions;
  codec::Dentry dentry{id, Kind::file, codec::Inode{.body = body}};
  mentions_of(codec::dentry_key(id, {}), codec::encoded(dentry), mentions);
  if (body.body_number != 0) {
    Tree tree(subject_.view, kNow);
    uint64_t chunks = (body.size + codec::kChunkBytes - 1) / codec::kChunkBytes;
    for (uint64_t i = 0; i < chunks; ++i) {
      auto key = [&](const NodeId& file) {
        return codec::chunk_key(file, body.body_number, static_cast<uint32_t>(i));
      };
      NOKV_ASSIGN(auto chunk, tree.file_record(id, key));
      if (chunk) mentions_of(key(id), chunk->value, mentions);
    }
  }
  uint64_t last = 0;
  std::ranges::sort(mentions, {}, &Mention::blob);
  for (const Mention& mention : mentions) {
    if (std::exchange(last, mention.blob) == mention.blob) continue;
    NOKV_TRY(see_mention(path, body.generation, mention));
  }
  return {};
}

// Without counts, which the whole namespace would have to be read for.
Result<> Check::see_mention(const std::string& path, uint64_t generation, const Mention& mention) {
  report_.looked_at();
  std::string id = std::to_string(mention.blob);
  auto table = mention.is_inline ? codec::Table::inline_blob : codec::Table::blob;
  NOKV_ASSIGN(auto value, subject_.view.get_present(codec::number_key(table, mention.blob)));
  codec::BlobRecord blob;
  codec::InlineRecord small;
  auto problem = [&](std::string_view code, std::string detail) {
    report_.add({.code = code, .path = path, .id = id, .detail = std::move(detail)});
  };
  if (!value) {
    problem("missing_blob", str("blob ", id, " is mentioned and has no record"));
  } else if (mention.is_inline ? !codec::decode(*value, small) : !codec::decode(*value, blob)) {
    problem("undecodable", str("the record of blob ", id, " cannot be decoded"));
  } else if (mention.is_inline && crc32c(small.bytes) != small.crc) {
    problem("inline_checksum", "the bytes of this inline body have another checksum");
  } else if (uint64_t bytes = mention.is_inline ? small.bytes.size() : blob.bytes;
             bytes < mention.bytes || (mention.whole && bytes != mention.bytes)) {
    problem("blob_size", str("the blob has ", bytes, " bytes, the body takes ", mention.bytes));
  } else if (!mention.is_inline && blob.state == codec::BlobState::dead) {
    problem("dead_blob_mentioned", "the blob is dead, and the file mentions it");
  } else if (!mention.is_inline) {
    seen_.push_back({mention.blob, path, generation});
  }
  return {};
}

Result<> Check::add_part() {
  NOKV_ASSIGN(auto found, resolve_path_at(subject_.view, Moment(), options_.path, true));
  auto see = [this](const std::string& path, const codec::Body& body, const NodeId& id) {
    if (auto seen = see_file(path, body, id); !seen) {
      report_.add({.code = "undecodable", .path = path, .detail = seen.error().message()});
    }
  };
  if (found.dentry.kind == Kind::directory) {
    TreePass::Top top{.id = found.id(), .path = options_.path, .inherited = true};
    while (top.path.ends_with('/')) top.path.pop_back();
    passes_.push_back(
        std::make_unique<TreePass>("tree", subject_, report_, std::move(top), walked_, see));
    return {};
  }
  NOKV_ASSIGN(auto inode, Tree(subject_.view, kNow).inode(found.dentry));
  report_.looked_at();
  see(options_.path, inode.body, found.id());
  return {};
}

void Check::add_all() {
  auto root = Tree(subject_.view, kNow).root();
  passes_.push_back(std::make_unique<StatePass>(subject_, report_));
  if (root) {
    TreePass::Top top{.id = *root, .path = "/"};
    passes_.push_back(
        std::make_unique<TreePass>("tree", subject_, report_, std::move(top), walked_));
  }
  passes_.push_back(std::make_unique<DetachedPass>(subject_, report_, walked_));
  auto nodes = std::make_unique<NodePass>(subject_, report_);
  auto rings = std::make_unique<RingPass>(subject_, report_, walked_, *nodes);
  passes_.push_back(std::move(nodes));
  passes_.push_back(std::move(rings));
  passes_.push_back(std::make_unique<OwnerPass>(subject_, report_));
  passes_.push_back(std::make_unique<LinkPass>(subject_, report_));
  passes_.push_back(std::make_unique<MovedPass>(subject_, report_));
  passes_.push_back(std::make_unique<ChunkPass>(subject_, report_, walked_));
  passes_.push_back(std::make_unique<GravePass>(subject_, report_));
  passes_.push_back(std::make_unique<ClonePass>(subject_, report_, options_.clone_window));
  passes_.push_back(std::make_unique<BlobPass>(subject_, report_, options_.blob_window));
  passes_.push_back(std::make_unique<DeadPass>(subject_, report_));
  passes_.push_back(std::make_unique<UploadPass>(subject_, report_));
  passes_.push_back(std::make_unique<PinPass>(subject_, report_));
  passes_.push_back(std::make_unique<PastTreesPass>(subject_, report_, options_.moments));
  auto filed = std::make_unique<FiledPass>(subject_, report_);
  auto past = std::make_unique<PastPass>(subject_, report_, *filed);
  passes_.push_back(std::move(filed));
  passes_.push_back(std::move(past));
  passes_.push_back(std::make_unique<ShortcutPass>(subject_, report_));
  passes_.push_back(std::make_unique<QuotaPass>(subject_, report_));
  passes_.push_back(std::make_unique<SessionPass>(subject_, report_));
  passes_.push_back(std::make_unique<RequestPass>(subject_, report_));
}

bool Check::step(size_t records) {
  if (passes_.empty()) return false;
  auto more = passes_.front()->step(records);
  if (!more) {
    // The rest of this pass cannot be read; the others still can.
    report_.add({.code = "unreadable",
                 .detail = str(passes_.front()->name(), ": ", more.error().message())});
  }
  if (!more || !*more) {
    done_.push_back(std::move(passes_.front()));
    passes_.pop_front();
  }
  return !passes_.empty();
}

void Check::begin_naming() {
  if (whole_) passes_.push_back(std::make_unique<NamingPass>(subject_, report_));
}

}  // namespace nokv::meta::fsck
