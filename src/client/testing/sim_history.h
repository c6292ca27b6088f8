// What the clients of a simulation asked and were told, and whether it all fits together.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client/testing/sim_model.h"
#include "client/testing/sim_world.h"
#include "client/transport.h"

namespace nokv::client {

// Home: the simulation's thread.
class SimHistory {
 public:
  explicit SimHistory(SimWorld& world) : world_(world) {}

  // ---- what clients do

  // The operations with one more in front that changes nothing and says which request this is, so
  // that frames and log records can be told apart whatever session they travel in.
  std::vector<codec::OperationBox> begin(std::vector<codec::Operation> operations,
                                         codec::Durability durability);
  // What the caller of the request that begin() returned last, or of `tag`, was told in the end.
  uint64_t last_tag() const { return last_tag_; }
  void told(uint64_t tag, const Result<codec::CommitReply>& result);
  // The first of an early request's failures that sync() told.
  void early_failed(const Error& error);

  // A read: what was shown of `path` at `version`, in the words of SimModel. `own` is what the
  // reader had been told before it asked: an answer of the present shows it.
  enum class Look : uint8_t {
    stat,
    list,
    content
  };
  using Told = std::vector<uint64_t>;  // tags
  void saw(Look look, const std::string& path, uint64_t version, std::string what, Told own = {});
  void add_body(uint64_t first_blob, std::shared_ptr<const std::string> bytes) {
    bodies_[first_blob] = std::move(bytes);
  }
  void complain(std::string what);
  // A session whose opening could not be written is not known afterwards.
  void disk_was_full() { disk_was_full_ = true; }

  // ---- what travels: called by the transport of every client

  void sent(const codec::CommitRequest& frame);
  void answered(const codec::CommitRequest& frame, const Result<codec::CommitReply>& reply);

  // Whether a journal would still send it: not refused, not given up.
  bool worth_resending(const codec::CommitRequest& frame) const;

  // ---- the oracles; call once nothing is on its way

  // Plays the log against the model and everything above against both. Returns what does not hold,
  // complaints included. May be called again later.
  std::vector<std::string> judge();
  // Whether nothing was complained of, and judge() found nothing when it was called last.
  bool clean() const { return complaints_.empty() && found_.empty(); }
  // The namespace as judge() made it of the log.
  const SimModel& model_at(uint64_t version) const;
  uint64_t last_seen_version() const { return sights_.empty() ? 0 : sights_.back().version; }

  struct Counts {
    uint64_t requests = 0, done = 0, refused = 0, unknown = 0, early = 0, resent = 0, reads = 0;
  };
  Counts counts() const;

 private:
  using Key = std::pair<codec::SessionId, uint64_t>;
  struct Answer {
    Result<codec::CommitReply> reply;
    uint64_t published;  // the newest version that could be seen when it came
  };
  struct Request {
    std::vector<codec::OperationBox> operations;
    codec::Durability durability{};
    std::optional<uint64_t> first_sent;  // the newest version that could be seen then
    uint64_t times_sent = 0;
    std::vector<Answer> answers;
    std::optional<Answer> told;
    uint64_t version = 0;  // where the log has it; 0: nowhere
    std::string result;    // as the log has it
  };
  struct Sight {
    Look look;
    std::string path;
    uint64_t version;
    std::string what;
    Told own;
  };

  static uint64_t tag_of(const std::vector<codec::OperationBox>& operations);
  void play_log();
  void judge_request(uint64_t tag, const Request& request);
  void judge_success(uint64_t tag, const Request& request, const Answer& answer);
  void judge_refusal(uint64_t tag, const Request& request, const Answer& answer);
  void judge_sights();
  void blame(std::string what) { found_.push_back(std::move(what)); }

  SimWorld& world_;
  std::map<uint64_t, Request> requests_;  // by tag
  std::map<Key, uint64_t> tags_;
  std::vector<Sight> sights_;
  SimModel::Bodies bodies_;
  std::map<uint64_t, SimModel> models_;  // the state from that version on
  std::vector<std::string> complaints_;  // what was wrong when it happened
  std::vector<std::string> found_;       // what judge() found
  uint64_t last_tag_ = 0;
  bool disk_was_full_ = false;
};

// Tells the history what passes. Owns the real transport.
class WatchedTransport final : public Transport {
 public:
  WatchedTransport(SimHistory& history, std::unique_ptr<Transport> inner)
      : history_(history), inner_(std::move(inner)) {}

  void call(codec::Method method, std::string body, Duration timeout, Done done) override;
  uint64_t connection() const override { return inner_->connection(); }
  bool same_machine() const override { return inner_->same_machine(); }
  std::string peer() const override { return inner_->peer(); }

  // The frames that were sent, each as it was sent last, by session and number.
  using Frames = std::map<std::pair<codec::SessionId, uint64_t>, codec::CommitRequest>;
  const Frames& frames() const { return frames_; }

 private:
  SimHistory& history_;
  std::unique_ptr<Transport> inner_;
  Frames frames_;
};

}  // namespace nokv::client
