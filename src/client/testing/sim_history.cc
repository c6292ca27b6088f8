#include "client/testing/sim_history.h"

#include <algorithm>

#include "client/caller.h"
#include "codec/message.h"

namespace nokv::client {

namespace {

constexpr std::string_view kTagPrefix = "/.request-";

bool lost(const Error& error) {
  return is_transient(error) || error.code() == Code::cancelled || error.code() == Code::stale;
}

}  // namespace

// ---- what clients do

std::vector<codec::OperationBox> SimHistory::begin(std::vector<codec::Operation> operations,
                                                   codec::Durability durability) {
  codec::Check tag;
  tag.target.path = str(kTagPrefix, ++last_tag_);
  tag.exists = false;
  std::vector<codec::OperationBox> boxes{{std::move(tag)}};
  for (codec::Operation& operation : operations) boxes.push_back({std::move(operation)});
  Request& request = requests_[last_tag_];
  request.operations = boxes;
  request.durability = durability;
  return boxes;
}

uint64_t SimHistory::tag_of(const std::vector<codec::OperationBox>& operations) {
  if (operations.empty()) return 0;
  const auto* tag = std::get_if<codec::Check>(&operations.front().op);
  if (tag == nullptr || !tag->target.path.starts_with(kTagPrefix)) return 0;
  return std::stoull(tag->target.path.substr(kTagPrefix.size()));
}

void SimHistory::told(uint64_t tag, const Result<codec::CommitReply>& result) {
  Request& request = requests_.at(tag);
  if (request.told) complain(str("request ", tag, " was answered twice"));
  request.told = Answer{result, world_.published_version()};
  bool odd =
      !result && !disk_was_full_ &&
      (result.error().code() == Code::session_expired || result.error().code() == Code::stale);
  if (odd) complain(str("request ", tag, " was told: ", result.error().message()));
  world_.scheduler().note(
      str("told ", tag, " ", result ? str("version ", result->version) : result.error().message()));
}

void SimHistory::early_failed(const Error& error) {
  if (error.code() == Code::resource_exhausted) return;  // the disk was full; see judge_success()
  complain(str("an early request failed: ", error.message()));
}

void SimHistory::saw(Look look, const std::string& path, uint64_t version, std::string what,
                     Told own) {
  world_.scheduler().note(str("saw ", path, " at ", version, " ", what.substr(0, 100)));
  sights_.push_back({look, path, version, std::move(what), std::move(own)});
}

void SimHistory::complain(std::string what) {
  world_.scheduler().note(str("complaint: ", what));
  complaints_.push_back(std::move(what));
}

// ---- what travels

void SimHistory::sent(const codec::CommitRequest& frame) {
  uint64_t tag = tag_of(frame.operations);
  if (tag == 0) return;
  Request& request = requests_.at(tag);
  if (!request.first_sent) request.first_sent = world_.published_version();
  ++request.times_sent;
  world_.scheduler().note(str("sent ", tag, " as ", frame.sequence, " attach ", frame.attach));
  auto [at, is_new] = tags_.emplace(Key(frame.session, frame.sequence), tag);
  if (!is_new && at->second != tag) complain(str("two requests under the number of ", tag));
}

void SimHistory::answered(const codec::CommitRequest& frame,
                          const Result<codec::CommitReply>& reply) {
  uint64_t tag = tag_of(frame.operations);
  if (tag == 0) return;
  world_.scheduler().note(str("answered ", tag, " ", reply ? "" : reply.error().message()));
  if (!reply && lost(reply.error())) return;
  requests_.at(tag).answers.push_back({reply, world_.published_version()});
}

bool SimHistory::worth_resending(const codec::CommitRequest& frame) const {
  auto tag = tags_.find(Key(frame.session, frame.sequence));
  if (tag == tags_.end()) return false;
  const Request& request = requests_.at(tag->second);
  bool given_up = request.told && !request.told->reply &&
                  request.told->reply.error().outcome() == Outcome::not_done;
  return !given_up &&
         std::ranges::all_of(request.answers, [](const Answer& a) { return a.reply.has_value(); });
}

// ---- the oracles

std::vector<std::string> SimHistory::judge() {
  found_.clear();
  world_.gather_log();
  play_log();
  for (const auto& [tag, request] : requests_) judge_request(tag, request);
  judge_sights();
  std::vector<std::string> all = complaints_;
  all.insert(all.end(), found_.begin(), found_.end());
  return all;
}

const SimModel& SimHistory::model_at(uint64_t version) const {
  return std::prev(models_.upper_bound(version))->second;
}

// Each record is there once, in order, and the model agrees that it could happen there.
void SimHistory::play_log() {
  for (auto& [tag, request] : requests_) request.version = 0;
  SimModel model;
  models_ = {{0, model}};
  uint64_t last = 0;
  int64_t last_time = 0;
  for (const auto& [version, record] : world_.log()) {
    if (version != last + 1) blame(str("version ", version, " follows ", last));
    if (record.time_ns <= last_time) blame(str("time goes back at version ", version));
    last = version;
    last_time = record.time_ns;
    if (record.session.empty()) continue;
    codec::SessionId id{};
    std::copy_n(record.session.begin(), id.size(), reinterpret_cast<char*>(id.data()));
    auto tag = tags_.find(Key(id, record.sequence));
    if (tag == tags_.end()) {
      blame(str("version ", version, " is of a request that nobody sent"));
      continue;
    }
    Request& request = requests_.at(tag->second);
    if (request.version != 0) {
      blame(str("request ", tag->second, " took effect in version ", request.version,
                " and in version ", version));
    }
    request.version = version;
    request.result = record.result;
    world_.scheduler().note(str("version ", version, ": ", words(request.operations)));
    auto applied = model.apply(request.operations, version, bodies_);
    if (!applied) {
      blame(str("request ", tag->second, " cannot have happened in version ", version, ": ",
                applied.error().message()));
    }
    models_[version] = model;
  }
}

void SimHistory::judge_request(uint64_t tag, const Request& request) {
  if (!request.told) {
    blame(str("request ", tag, " was never answered"));
    return;
  }
  for (const Answer& answer : request.answers) {
    if (answer.reply) {
      judge_success(tag, request, answer);
    } else if (answer.reply.error().outcome() == Outcome::not_done) {
      judge_refusal(tag, request, answer);
    }
  }
  const auto& told = request.told->reply;
  if (told) {
    judge_success(tag, request, *request.told);
  } else if (told.error().outcome() == Outcome::not_done && request.version != 0) {
    blame(str("request ", tag, " was told '", told.error().message(),
              "', not done, and is in version ", request.version));
  }
}

void SimHistory::judge_success(uint64_t tag, const Request& request, const Answer& answer) {
  // Sent again after the server's death, it met a full disk: an error that sync() tells.
  bool taken_back = request.durability == codec::Durability::early && !request.answers.empty() &&
                    !request.answers.back().reply &&
                    request.answers.back().reply.error().code() == Code::resource_exhausted;
  if (request.version == 0 && taken_back) return;
  if (request.version == 0) {
    blame(str("request ", tag, " was acknowledged in version ", answer.reply->version,
              " and is lost"));
    return;
  }
  // An early answer promises the outcome with its ids, not the version.
  if (request.durability == codec::Durability::early) {
    codec::CommitReply logged;
    bool same = codec::decode(request.result, logged) &&
                std::ranges::equal(logged.results, answer.reply->results, {},
                                   &codec::OperationResult::id, &codec::OperationResult::id);
    // What a full disk took back may have been what this one replaced.
    if (!same && !disk_was_full_) {
      blame(str("request ", tag, " was answered early, and has other ids in version ",
                request.version));
    }
    return;
  }
  if (codec::encoded(*answer.reply) != request.result) {
    blame(str("request ", tag, " has version ", request.version,
              " and was answered otherwise, with ", answer.reply->version));
  }
}

// Some state between the request and its answer must explain it.
void SimHistory::judge_refusal(uint64_t tag, const Request& request, const Answer& answer) {
  if (answer.reply.error().code() == Code::resource_exhausted) return;  // the disk was full
  auto at = std::prev(models_.upper_bound(*request.first_sent));
  for (; at != models_.end() && at->first <= answer.published; ++at) {
    SimModel model = at->second;
    auto applied = model.apply(request.operations, answer.published + 1, bodies_);
    if (!applied) return;
  }
  blame(str("request ", tag, " (", words(request.operations),
            ") was refused without a reason: ", answer.reply.error().message()));
}

void SimHistory::judge_sights() {
  for (const Sight& sight : sights_) {
    for (uint64_t tag : sight.own) {
      if (requests_.at(tag).version <= sight.version) continue;
      blame(str("a read of version ", sight.version, " came after its client was told of request ",
                tag, ", which is in version ", requests_.at(tag).version));
    }
    const SimModel& model = model_at(sight.version);
    std::string expected;
    if (sight.look == Look::stat) expected = model.stat(sight.path);
    if (sight.look == Look::list) expected = model.list(sight.path);
    if (sight.look == Look::content) expected = model.content(sight.path).value_or("no file");
    if (same_words(expected, sight.what)) continue;
    blame(str("at version ", sight.version, " ", sight.path, " was\n  ", sight.what.substr(0, 300),
              "\ninstead of\n  ", expected.substr(0, 300)));
  }
}

SimHistory::Counts SimHistory::counts() const {
  Counts counts;
  for (const auto& [tag, request] : requests_) {
    ++counts.requests;
    counts.early += request.durability == codec::Durability::early ? 1 : 0;
    counts.resent += request.times_sent > 1 ? 1 : 0;
    if (!request.told) continue;
    const auto& told = request.told->reply;
    bool unknown = !told && told.error().outcome() == Outcome::maybe_done;
    ++(told ? counts.done : unknown ? counts.unknown : counts.refused);
  }
  counts.reads = sights_.size();
  return counts;
}

// ---- WatchedTransport

void WatchedTransport::call(codec::Method method, std::string body, Duration timeout, Done done) {
  if (method != codec::Method::commit) {
    return inner_->call(method, std::move(body), timeout, std::move(done));
  }
  codec::CommitRequest frame;
  if (!codec::decode(body, frame)) history_.complain("a frame cannot be decoded");
  history_.sent(frame);
  frames_[{frame.session, frame.sequence}] = frame;
  inner_->call(
      method, std::move(body), timeout,
      [this, frame = std::move(frame), done = std::move(done)](Result<std::string> answer) mutable {
        codec::CommitReply reply;
        auto key = std::pair(frame.session, frame.sequence);
        if (!answer) {
          history_.answered(frame, std::unexpected(answer.error()));
        } else if (codec::decode(*answer, reply)) {
          history_.answered(frame, reply);
          if (reply.first_id != 0) frames_[key].first_id = reply.first_id;
        } else {
          history_.complain("an answer cannot be decoded");
        }
        done(std::move(answer));
      });
}

}  // namespace nokv::client
