// The small tables: sessions and their requests, quotas, the state of the shard.
#pragma once

#include <string>

#include "meta/check/pass.h"

namespace nokv::meta::fsck {

class SessionPass final : public TablePass {
 public:
  SessionPass(const Subject& subject, Report& report)
      : TablePass("sessions", subject, report, codec::table_key(codec::Table::session)) {}

 private:
  Result<> row(std::string_view key, std::string_view value) override;
};

// Each stored result belongs to a session and lies in its slot.
class RequestPass final : public TablePass {
 public:
  RequestPass(const Subject& subject, Report& report)
      : TablePass("requests", subject, report, codec::table_key(codec::Table::request)) {}

 private:
  Result<> row(std::string_view key, std::string_view value) override;
};

// Each row names a directory with a record of its own and a quota.
class QuotaPass final : public TablePass {
 public:
  QuotaPass(const Subject& subject, Report& report)
      : TablePass("quotas", subject, report, codec::table_key(codec::Table::quota)) {}

 private:
  Result<> row(std::string_view key, std::string_view value) override;
};

// The state record and the root.
class StatePass final : public TablePass {
 public:
  StatePass(const Subject& subject, Report& report)
      : TablePass("state", subject, report, codec::table_key(codec::Table::state)) {}

 private:
  Result<> row(std::string_view key, std::string_view value) override;
};

}  // namespace nokv::meta::fsck
