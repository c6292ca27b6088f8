#include "shard/figures.h"

#include <string_view>

#include "codec/key.h"

namespace nokv::shard {

using codec::PinKind;
using codec::Table;

namespace {

uint64_t rows(const meta::State& state, Table table) {
  std::string prefix = codec::table_key(table);
  auto it = state.snapshot->iterate(prefix, codec::prefix_end(prefix));
  uint64_t count = 0;
  for (it->seek(prefix); it->valid() && count < kRowsMax; it->next()) ++count;
  return count;
}

void add_tree(const meta::State& state, std::vector<Figure>& out) {
  meta::View view = state.view();
  meta::Tree tree(view, meta::kNow);
  auto root = tree.root();
  if (!root) return;
  auto node = tree.node(*root);
  if (!node || !*node || !(*node)->directory) return;
  const codec::Totals& totals = (*node)->directory->totals;
  out.push_back({"nokv_tree_files", "Names of files, links and special nodes", totals.files});
  out.push_back({"nokv_tree_directories", "Directories", totals.directories});
  out.push_back({"nokv_tree_size_bytes", "Bytes of all files by their names", totals.bytes});
}

void add_pins(const meta::State& state, std::vector<Figure>& out) {
  const meta::PinTable& pins = *state.pins;
  out.push_back(
      {"nokv_shard_pins", "Versions that are kept: snapshots, moments, undo", pins.size()});
  out.push_back({"nokv_shard_snapshots", "Snapshots", pins.count(PinKind::snapshot)});
  out.push_back({"nokv_shard_moments", "Moments", pins.count(PinKind::moment)});
  out.push_back({"nokv_shard_undo_pins", "Versions kept for undo", pins.count(PinKind::undo)});
  out.push_back(
      {"nokv_shard_going_pins", "Pins whose records are being handed on", pins.going().size()});
}

void add_shard(const Background& background, const meta::State& state, std::vector<Figure>& out) {
  const auto& shard = background.shard().counters();
  auto cache = state.cache == nullptr ? meta::RecordCache::Counters() : state.cache->counters();
  auto engine = background.engine().stats();
  out.insert(
      out.end(),
      {{"nokv_shard_version", "The newest readable version", state.record.version},
       {"nokv_shard_groups", "Groups made durable since the start", shard.groups},
       {"nokv_shard_records", "Records made durable since the start", shard.records},
       {"nokv_shard_body_bytes", "Bytes of bodies published since the start", shard.body_bytes},
       {"nokv_shard_refused", "Requests refused by their own doing", shard.refused},
       {"nokv_shard_over_quota", "Requests refused for a directory's quota", shard.over_quota},
       {"nokv_shard_quotas", "Directories with a quota", rows(state, Table::quota)},
       {"nokv_shard_repeated", "Requests that were answered before", shard.repeated},
       {"nokv_shard_overloaded", "Requests turned away for a full queue", shard.overloaded},
       {"nokv_shard_clamped_times", "Readings of a wall clock that jumped", shard.clamped_times},
       {"nokv_shard_queue_length", "Requests that wait for the sequencer",
        background.shard().queue_length()},
       {"nokv_shard_open_uploads", "Uploads that are open, or whose rest is being deleted",
        rows(state, Table::upload)},
       {"nokv_cache_hits", "Records found in the cache", cache.hits},
       {"nokv_cache_misses", "Records the engine was asked for", cache.misses},
       {"nokv_cache_size_bytes", "Memory of the cache of records",
        state.cache == nullptr ? 0 : state.cache->bytes()},
       {"nokv_log_size_bytes", "Bytes the log takes", background.log().size_bytes()},
       {"nokv_log_written_bytes", "Bytes of groups written since the start", shard.log_bytes},
       {"nokv_engine_live_bytes", "Bytes of the engine's files", engine.live_bytes},
       {"nokv_engine_memory_bytes", "Memory of the engine", engine.memory_bytes},
       {"nokv_engine_keys", "Keys in the engine, about", engine.keys_estimate}});
}

void add_work(const Background& background, const object::ObjectStore& store,
              const meta::State& state, std::vector<Figure>& out) {
  const auto& work = background.counters();
  const auto& check = background.checker().counters();
  const auto& backups = background.backups().counters();
  codec::StatusReply newest;
  background.backups().tell(newest);
  auto objects = store.counters();
  const auto& external = background.externals().counters();
  out.insert(
      out.end(),
      {{"nokv_gc_pending", "Dead blobs that wait for the end of their grace period",
        rows(state, Table::dead)},
       {"nokv_gc_detached", "Trees and bodies that wait to be swept", rows(state, Table::detached)},
       {"nokv_gc_blobs_deleted", "Dead blobs whose objects were deleted", work.blobs_deleted},
       {"nokv_gc_objects_deleted", "Objects deleted", work.objects_deleted},
       {"nokv_gc_bytes_deleted", "Bytes of bodies deleted", work.bytes_deleted},
       {"nokv_gc_records_swept", "Records of removed trees freed", work.records_swept},
       {"nokv_gc_records_refiled", "Past records handed on or freed", work.records_refiled},
       {"nokv_upkeep_clones_flattened", "Clones whose chain is read through in one step",
        work.clones_flattened},
       {"nokv_upkeep_shortcuts_made", "Rows made for that", work.shortcuts_made},
       {"nokv_upkeep_uploads_closed", "Uploads whose time was over", work.uploads_closed},
       {"nokv_upkeep_moments_made", "Moments made", work.moments_made},
       {"nokv_upkeep_pins_over_budget", "Moments and undo pins that went before their time",
        work.pins_over_budget},
       {"nokv_upkeep_errors", "Background steps that failed and will be tried again", work.errors},
       {"nokv_fsck_running", "Checks under way", check.running},
       {"nokv_fsck_finished", "Checks that ended", check.finished},
       {"nokv_fsck_checked", "Records and objects looked at", check.checked},
       {"nokv_fsck_problems", "Problems found", check.problems},
       {"nokv_fsck_repaired", "Problems repaired", check.repaired},
       {"nokv_backup_made", "Backups made since the start", backups.made},
       {"nokv_backup_failed", "Backups that failed since the start", backups.failed},
       {"nokv_backup_objects_put", "Objects put for backups since the start", backups.objects_put},
       {"nokv_backup_bytes_put", "Bytes put for backups since the start", backups.bytes_put},
       {"nokv_backup_version", "The version that the newest backup holds", newest.backup_version},
       {"nokv_backup_time_s", "Log time of that version, in seconds since 1970",
        static_cast<uint64_t>(newest.backup_time_ns / 1'000'000'000)},
       {"nokv_object_puts", "Objects put by the server", objects.puts},
       {"nokv_object_gets", "Objects read by the server", objects.gets},
       {"nokv_object_retries", "Requests to the object store that were sent again",
        objects.retries},
       {"nokv_object_failures", "Requests to the object store that failed", objects.failures},
       {"nokv_external_reads", "Reads of imported objects", external.reads},
       {"nokv_external_failures", "Of them, those that failed: also of objects that were replaced",
        external.failures}});
}

void add_watches(const Background& background, std::vector<Figure>& out) {
  const WatchCounters& watch = background.shard().feed().counters();
  out.insert(out.end(),
             {{"nokv_watch_watchers", "Watches that wait for an event now", watch.watchers},
              {"nokv_watch_polls", "Pages that watches asked for", watch.polls},
              {"nokv_watch_events_sent", "Events told, to all watches together", watch.events_sent},
              {"nokv_watch_log_reads", "Pages read from the log, for watches that were behind",
               watch.log_reads},
              {"nokv_watch_lag", "Versions that the last such watch was behind", watch.lag},
              {"nokv_watch_too_old", "Cursors that the log did not reach back to", watch.too_old},
              {"nokv_watch_oldest_version", "How far back watches reach",
               background.log().oldest().value()}});
}

void add_space(const Background& background, std::vector<Figure>& out) {
  auto space = background.space().last();
  if (space == nullptr) return;
  uint64_t snapshots = space->shared.bytes;
  for (const auto& [pin, sum] : space->snapshots) snapshots += sum.bytes;
  out.insert(out.end(),
             {{"nokv_space_version", "The version that was measured", space->version},
              {"nokv_space_live_bytes", "Bytes of bodies of today", space->live.bytes},
              {"nokv_space_snapshot_bytes", "Bytes only snapshots keep", snapshots},
              {"nokv_space_kept_bytes", "Bytes only moments and undo keep", space->kept_bytes()},
              {"nokv_space_dead_bytes", "Bytes in their grace period", space->dead.bytes},
              {"nokv_space_imported_bytes", "Bytes of bodies that lie in other buckets",
               space->imported.bytes}});
}

}  // namespace

std::vector<Figure> figures(const Background& background, const object::ObjectStore& store) {
  auto state = background.shard().state();
  std::vector<Figure> out;
  add_shard(background, *state, out);
  add_tree(*state, out);
  add_pins(*state, out);
  add_work(background, store, *state, out);
  add_watches(background, out);
  add_space(background, out);
  return out;
}

std::string figures_json(const Background& background, const object::ObjectStore& store) {
  std::string out = "{";
  for (const Figure& figure : figures(background, store)) {
    std::string_view name(figure.name);
    name.remove_prefix(5);  // nokv_
    if (out.size() > 1) out += ",";
    out += str("\"", name, "\":", figure.value);
  }
  return out + "}\n";
}

}  // namespace nokv::shard
