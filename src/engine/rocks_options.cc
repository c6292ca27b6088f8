#include "engine/rocks_options.h"

#include <rocksdb/cache.h>
#include <rocksdb/file_checksum.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>

namespace nokv::engine {
namespace {

rocksdb::BlockBasedTableOptions table_options(const RocksOptions& options,
                                              const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.block_size = options.block_bytes;
  table.format_version = 5;
  table.checksum = rocksdb::kXXH3;
  // Absent keys are asked for on every create: a whole-key filter answers without a block.
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.whole_key_filtering = true;
  table.partition_filters = false;
  // Indexes and filters count against the cache, so that memory stays bounded as data grows.
  table.cache_index_and_filter_blocks = true;
  table.cache_index_and_filter_blocks_with_high_priority = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  return table;
}

}  // namespace

rocksdb::Options rocks_options(const RocksOptions& options,
                               const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::Options out;
  out.create_if_missing = options.create;
  out.paranoid_checks = true;
  // The manifest then has a checksum of each table file; a checkpoint compares its copy with it.
  out.file_checksum_gen_factory = rocksdb::GetFileChecksumGenCrc32cFactory();

  out.write_buffer_size = options.memtable_bytes;
  out.max_write_buffer_number = 4;
  out.allow_concurrent_memtable_write = false;  // there is one writer; plain stores are faster
  out.memtable_whole_key_filtering = true;
  out.memtable_prefix_bloom_size_ratio = 0.1;

  out.compression = rocksdb::kLZ4Compression;
  out.level_compaction_dynamic_level_bytes = true;
  out.max_background_jobs = options.background_jobs;
  out.bytes_per_sync = 1 << 20;
  out.avoid_unnecessary_blocking_io = true;  // readers answer on I/O threads: no deletions there

  // An engine that failed once takes no more writes, so it must not recover behind our back.
  out.max_bgerror_resume_count = 0;

  out.max_open_files = -1;
  out.skip_stats_update_on_db_open = true;
  out.max_manifest_file_size = 64 << 20;
  out.info_log_level = rocksdb::WARN_LEVEL;
  out.max_log_file_size = 1 << 20;
  out.keep_log_file_num = 2;
  out.stats_dump_period_sec = 0;
  out.stats_persist_period_sec = 0;

  out.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table_options(options, cache)));
  return out;
}

}  // namespace nokv::engine
