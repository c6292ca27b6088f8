#include "shard/store_claim.h"

#include <utility>

namespace nokv::shard {

namespace {

constexpr std::string_view kWords = "nokv object store prefix, format 1\nnamespace ";

bool is_absent(Code code) { return code == Code::not_found; }

}  // namespace

struct StoreClaim::Look {
  bool take = false;
  bool tried = false;  // our own was put, or somebody's was there
  Clock::Instant deadline;
  object::Done<> done;
};

StoreClaim::StoreClaim(object::ObjectStore& store, std::string_view id)
    : store_(store), text_(str(kWords, id, "\n")), ours_(id.empty()) {}

void StoreClaim::look(bool take, Clock::Instant deadline, object::Done<> done) {
  if (ours_) return done({});
  auto look = std::make_unique<Look>();
  look->take = take;
  look->deadline = deadline;
  look->done = std::move(done);
  read(std::move(look));
}

void StoreClaim::read(std::unique_ptr<Look> look) {
  Clock::Instant deadline = look->deadline;
  store_.get(std::string(kStoreMark), std::nullopt, deadline,
             [this, look = std::move(look)](Result<std::string> found) mutable {
               if (found) return look->done(judge(*found));
               // Who may not list a bucket is told "denied" for what is not there: putting tells.
               bool absent = is_absent(found.error().code()) ||
                             found.error().code() == Code::permission_denied;
               if (absent && !look->tried && look->take) return put(std::move(look));
               if (is_absent(found.error().code()) && !look->take) return look->done({});
               look->done(std::unexpected(std::move(found).error()));
             });
}

void StoreClaim::put(std::unique_ptr<Look> look) {
  look->tried = true;
  Clock::Instant deadline = look->deadline;
  store_.put(std::string(kStoreMark), std::make_shared<const std::string>(text_),
             {.if_absent = true}, deadline, [this, look = std::move(look)](Result<> put) mutable {
               if (!put && put.error().code() != Code::already_exists) {
                 return look->done(std::move(put));
               }
               read(std::move(look));
             });
}

Result<> StoreClaim::judge(const std::string& found) {
  if (found == text_) {
    ours_ = true;
    return {};
  }
  std::string whose =
      found.starts_with(kWords)
          ? found.substr(kWords.size(), found.find('\n', kWords.size()) - kWords.size())
          : "something unknown";
  return std::unexpected(
      Error(Code::failed_precondition,
            str(store_.description(), " holds the bodies of another namespace, ", whose))
          .with_hint("give each namespace a bucket, a prefix or a directory of its own: "
                     "--object-bucket, --object-root"));
}

}  // namespace nokv::shard
