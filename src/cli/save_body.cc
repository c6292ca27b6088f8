#include "cli/save_body.h"

#include <utility>

namespace nokv::cli {

Result<> save_body(client::Reader& reader, const LocalDirectory& directory, const std::string& name,
                   std::function<void(uint64_t)> on_write) {
  const codec::Attributes& attributes = reader.entry().attributes;
  NOKV_ASSIGN(auto sink, LocalSink::create(directory, name, attributes.mode & 0777U));
  sink->on_write = std::move(on_write);
  NOKV_TRY(reader.copy_to(*sink));
  return sink->finish(attributes.mtime_ns);
}

}  // namespace nokv::cli
