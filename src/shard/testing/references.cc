#include "shard/testing/references.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string_view>

#include "codec/key.h"
#include "codec/record.h"
#include "codec/rpc.h"
#include "meta/pins.h"
#include "meta/region.h"
#include "meta/view.h"

namespace nokv::shard::model {

namespace {

using codec::Table;

class References {
 public:
  References(const engine::Snapshot& snapshot, const std::map<std::string, uint64_t>& objects)
      : snapshot_(snapshot), objects_(objects) {}

  std::string check(bool at_rest) {
    for (uint8_t table = 0x10; table < codec::kVersionedEnd; ++table) {
      each(table,
           [&](std::string_view key, std::string_view value) { mention(key, value, false); });
      each(table | codec::kPast, [&](std::string_view key, std::string_view value) {
        std::string live;
        uint64_t death = 0;
        uint64_t birth = 0;
        if (!codec::split_past_key(key, live, death)) problem("a past key of another kind");
        bool of_clone = table == static_cast<uint8_t>(Table::clone);
        if (!of_clone) past_.insert(std::string(key));  // a clone's is filed under no pin
        std::string_view rest = value;
        if (!codec::take_birth(rest, birth) || birth >= death) {
          problem(str("a past record born at ", birth, " died at ", death));
        }
        mention(live, value, true);
      });
    }
    check_clones();
    check_links();
    check_filed();
    check_retention();
    check_inline();
    check_blobs();
    if (at_rest) check_rest();
    return problem_;
  }

 private:
  void problem(std::string what) {
    if (problem_.empty()) problem_ = std::move(what);
  }

  template <class Visit>
  void each(uint8_t table, const Visit& visit) {
    std::string prefix(1, static_cast<char>(table));
    auto rows = snapshot_.iterate(prefix, codec::prefix_end(prefix));
    for (rows->seek(prefix); rows->valid(); rows->next()) visit(rows->key(), rows->value());
  }
  template <class Record, class Visit>
  void each_number(Table table, const Visit& visit) {
    each(static_cast<uint8_t>(table), [&](std::string_view key, std::string_view value) {
      uint64_t id = 0;
      Record record;
      if (!codec::split_number_key(key, id) || !codec::decode(value, record)) {
        problem("a row that cannot be decoded");
      }
      visit(id, record);
    });
  }

  void mention_body(const codec::Body& body) {
    if (body.blob == 0) return;
    if (body.is_inline) {
      ++inline_[body.blob];
    } else {
      for (uint64_t i = 0; i < codec::blob_count(body.base_size); ++i) ++blobs_[body.blob + i];
    }
  }

  void mention(std::string_view key, std::string_view value, bool past) {
    uint64_t birth = 0;
    if (!codec::take_birth(value, birth)) return problem("a record without a birth");
    if (uint64_t clone = meta::clone_held(key, value)) ++(past ? held_past_ : held_)[clone];
    switch (static_cast<Table>(key[0])) {
      case Table::clone: {
        uint64_t id = 0;
        codec::CloneRecord record;
        if (!codec::split_number_key(key, id) || !codec::decode(value, record)) {
          return problem("a clone that cannot be decoded");
        }
        (past ? past_clones_ : clones_)[id] = record;
        break;
      }
      case Table::dentry: {
        codec::Dentry dentry;
        if (!codec::decode(value, dentry)) return problem("a dentry that cannot be decoded");
        if (dentry.inode) mention_body(dentry.inode->body);
        bool linked = !dentry.inode && dentry.kind != codec::Kind::directory;
        if (!past && linked && dentry.kind != codec::Kind::none) {
          codec::DentryKey parts;
          codec::split_dentry_key(key, parts);
          names_.insert(codec::link_key(dentry.child, parts.directory, parts.name));
        }
        break;
      }
      case Table::node: {
        codec::NodeRecord node;
        if (!codec::decode(value, node)) return problem("a node that cannot be decoded");
        if (node.inode) mention_body(node.inode->body);
        if (!past && node.is_whiteout()) ++whiteouts_;
        codec::NodeId id;
        if (!past && node.inode && codec::split_node_key(key, id)) link_counts_[id] = node.links;
        break;
      }
      case Table::link:
        if (!past) links_.insert(std::string(key));
        break;
      case Table::chunk: {
        codec::ChunkRecord chunk;
        if (!codec::decode(value, chunk)) return problem("a chunk that cannot be decoded");
        for (const auto& extent : chunk.extents) {
          if (extent.blob != 0) ++(extent.is_inline ? inline_ : blobs_)[extent.blob];
        }
        break;
      }
      default:
        break;
    }
  }

  // What holds each clone is counted right; one that nothing live holds ends; one that nothing
  // holds is gone; and whiteouts of nodes are there as long as a clone that would show them.
  void check_clones() {
    std::string root;
    codec::RootRecord record;
    if (auto found = snapshot_.get(codec::table_key(Table::root), root);
        found && *found && codec::decode(root, record)) {
      if (uint64_t clone = meta::last_clone(record.id)) ++held_[clone];
    }
    std::set<uint64_t> pins;
    each_number<codec::PinRecord>(Table::pin, [&](uint64_t id, const codec::PinRecord& pin) {
      if (!pin.going) pins.insert(id);
      if (uint64_t clone = meta::last_clone(pin.scope)) ++held_past_[clone];
    });
    std::set<uint64_t> ending;
    each(static_cast<uint8_t>(Table::ending), [&](std::string_view key, std::string_view) {
      uint64_t id = 0;
      if (codec::split_number_key(key, id)) ending.insert(id);
    });
    std::set<uint64_t> lives;
    each_number<codec::CloneLife>(
        Table::clone_life, [&](uint64_t id, const codec::CloneLife& life) {
          lives.insert(id);
          if (life.live != held_[id] || life.past != held_past_[id]) {
            problem(str("clone ", id, " says it is held by ", life.live, " and ", life.past,
                        ", not ", held_[id], " and ", held_past_[id]));
          }
          bool live = clones_.contains(id);
          if (live != (life.ended == 0)) problem(str("clone ", id, " ended or not, wrongly"));
          if (!live && !past_clones_.contains(id)) problem(str("clone ", id, " has no record"));
          if (!live && life.past == 0) problem(str("clone ", id, " is held by nothing"));
          if (live && life.live == 0 && !ending.contains(id))
            problem(str("clone ", id, " ends never"));
          if (!pins.contains(life.pin)) problem(str("clone ", id, " has no pin"));
        });
    for (const auto& [id, clone] : clones_) {
      if (!lives.contains(id)) problem(str("nothing is known of clone ", id));
    }
    each(static_cast<uint8_t>(Table::grave), [&](std::string_view key, std::string_view) {
      uint64_t id = 0;
      codec::NodeId node;
      if (!codec::split_grave_key(key, id, node)) return problem("a grave that cannot be decoded");
      if (!clones_.contains(id) && !ending.contains(id)) problem("a whiteout that stays for ever");
      ++graves_;
    });
    if (graves_ != whiteouts_)
      problem(str(whiteouts_, " whiteouts of nodes, ", graves_, " graves"));
  }

  // A file with a node record has a row for each of its names, and counts them.
  void check_links() {
    if (links_ != names_) problem("names of files with several do not match the rows of links");
    std::map<codec::NodeId, uint32_t> rows;
    for (const std::string& key : links_) {
      codec::LinkKey parts;
      if (codec::split_link_key(key, parts)) ++rows[parts.file];
    }
    if (rows != link_counts_) problem("link counts are not the number of rows");
  }

  // Each past record is filed under a pin of its time. A pin that goes keeps its rows until they
  // are handed on.
  void check_retention() {
    std::string value;
    codec::StateRecord state;
    auto found = snapshot_.get(codec::table_key(Table::state), value);
    if (!found || !*found || !codec::decode(value, state)) return problem("no state record");
    meta::View view(std::shared_ptr<const engine::Snapshot>(std::shared_ptr<void>(), &snapshot_),
                    state.version, nullptr);
    meta::PinTable pins;
    if (auto loaded = pins.load(view); !loaded) return problem(loaded.error().message());
    each(static_cast<uint8_t>(Table::filed), [&](std::string_view key, std::string_view) {
      key.remove_prefix(1);
      uint64_t pin = 0;
      std::string record;
      uint64_t death = 0;
      meta::Raw old;
      if (!codec::take_u64(key, pin) || !codec::split_past_key(key, record, death)) {
        return problem("a filed row that cannot be decoded");
      }
      const codec::PinRecord* under = pins.find(pin);
      auto past = view.get_present(key);
      if (under == nullptr || under->going || !past || !*past) return;
      std::string_view rest = **past;
      if (!codec::take_birth(rest, old.birth)) return;
      old.value = rest;
      if (under->version < old.birth || under->version >= death) {
        problem(str("a past record valid from ", old.birth, " to ", death,
                    " is filed under a pin of v", under->version));
      }
    });
  }

  void check_filed() {
    std::set<uint64_t> pins;
    each_number<codec::PinRecord>(Table::pin, [&](uint64_t id, const codec::PinRecord& pin) {
      pins.insert(id);
      pins_ += pin.going || pin.kind == codec::PinKind::clone ? 0 : 1;
    });
    std::set<std::string> filed;
    each(static_cast<uint8_t>(Table::filed), [&](std::string_view key, std::string_view) {
      key.remove_prefix(1);
      uint64_t pin = 0;
      if (!codec::take_u64(key, pin) || !pins.contains(pin)) problem("filed under no pin");
      if (!filed.insert(std::string(key)).second) problem("a past record is filed twice");
    });
    if (filed != past_) problem(str(past_.size(), " past records, ", filed.size(), " filed"));
  }

  void check_inline() {
    each_number<codec::InlineRecord>(
        Table::inline_blob, [&](uint64_t id, const codec::InlineRecord& record) {
          auto counted = inline_.find(id);
          uint64_t references = counted == inline_.end() ? 0 : counted->second;
          if (record.references != references || references == 0) {
            problem(str("inline blob ", id, " has ", record.references, " references and ",
                        references, " are there"));
          }
          inline_.erase(id);
        });
    if (!inline_.empty()) problem(str("inline blob ", inline_.begin()->first, " has no row"));
  }

  void check_blobs() {
    std::set<uint64_t> dead;
    std::set<std::string> explained;
    each(static_cast<uint8_t>(Table::dead), [&](std::string_view key, std::string_view) {
      uint64_t time = 0;
      uint64_t blob = 0;
      key.remove_prefix(1);
      if (codec::take_u64(key, time) && codec::take_u64(key, blob)) dead.insert(blob);
    });
    dead_ = dead.size();
    each_number<codec::BlobRecord>(Table::blob, [&](uint64_t id, const codec::BlobRecord& record) {
      auto counted = blobs_.find(id);
      uint64_t references = counted == blobs_.end() ? 0 : counted->second;
      if (record.references != references) {
        problem(str("blob ", id, " has ", record.references, " references and ", references,
                    " are there"));
      }
      bool is_dead = record.state == codec::BlobState::dead;
      if (is_dead != (references == 0)) problem(str("blob ", id, " is dead or not, wrongly"));
      if (is_dead != (dead.erase(id) == 1)) problem(str("blob ", id, " is not listed as dead"));
      blobs_.erase(id);
      if (record.external) return;
      for (uint32_t block = 0; block < codec::block_count(record.bytes); ++block) {
        std::string name = codec::blob_object_name(id, block);
        explained.insert(name);
        auto object = objects_.find(name);
        uint64_t size = std::min(codec::kBlockBytes, record.bytes - block * codec::kBlockBytes);
        if (!is_dead && (object == objects_.end() || object->second != size)) {
          problem(str("blob ", id, " has no object ", name));
        }
      }
    });
    if (!blobs_.empty()) problem(str("blob ", blobs_.begin()->first, " has no row"));
    if (!dead.empty()) problem(str("dead blob ", *dead.begin(), " has no row"));
    check_objects(explained);
  }

  void check_objects(std::set<std::string>& explained) {
    each_number<codec::UploadRecord>(
        Table::upload, [&](uint64_t, const codec::UploadRecord& upload) {
          for (uint32_t i = 0; i < upload.count; ++i) {
            for (uint32_t block = 0; block < 2; ++block) {
              explained.insert(codec::blob_object_name(upload.first_blob + i, block));
            }
          }
        });
    for (const auto& [name, size] : objects_) {
      if (!explained.contains(name)) problem("nobody knows of object " + name);
    }
  }

  void check_rest() {
    if (pins_ != 0) problem("a pin is left");
    if (!past_.empty() && clones_.empty()) problem("a past record is left");
    if (clones_.empty() && (graves_ != 0 || !held_past_.empty()))
      problem("of a clone something is left");
    for (const auto& [id, clone] : clones_) {
      if (held_[id] == 0) problem(str("clone ", id, " is left, and nothing names it"));
    }
    each(static_cast<uint8_t>(Table::ending),
         [&](std::string_view, std::string_view) { problem("a clone that ends is left"); });
    if (dead_ != 0) problem("a dead blob is left");
    each(static_cast<uint8_t>(Table::detached),
         [&](std::string_view, std::string_view) { problem("a detached node is left"); });
    each(static_cast<uint8_t>(Table::flattening),
         [&](std::string_view, std::string_view) { problem("a clone is still to be flattened"); });
    each(static_cast<uint8_t>(Table::shortcut), [&](std::string_view key, std::string_view) {
      uint64_t clone = 0;
      std::string_view of;
      bool known = codec::split_shortcut_key(key, clone, of) &&
                   (clones_.contains(clone) || past_clones_.contains(clone));
      if (!known) problem("a shortcut of a clone that is gone is left");
    });
    each(static_cast<uint8_t>(Table::upload),
         [&](std::string_view, std::string_view) { problem("an upload is left"); });
  }

  const engine::Snapshot& snapshot_;
  const std::map<std::string, uint64_t>& objects_;  // name → size
  std::string problem_;
  std::map<uint64_t, uint64_t> inline_;
  std::map<uint64_t, uint64_t> blobs_;
  std::set<std::string> past_;
  std::set<std::string> names_;
  std::set<std::string> links_;
  std::map<codec::NodeId, uint32_t> link_counts_;
  std::map<uint64_t, codec::CloneRecord> clones_;
  std::map<uint64_t, codec::CloneRecord> past_clones_;
  std::map<uint64_t, uint64_t> held_;
  std::map<uint64_t, uint64_t> held_past_;
  size_t whiteouts_ = 0;
  size_t graves_ = 0;
  size_t pins_ = 0;
  size_t dead_ = 0;
};

}  // namespace

std::string check_references(const engine::Snapshot& snapshot,
                             const std::map<std::string, uint64_t>& objects, bool at_rest) {
  return References(snapshot, objects).check(at_rest);
}

}  // namespace nokv::shard::model
