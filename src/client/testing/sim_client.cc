#include "client/testing/sim_client.h"

#include <algorithm>
#include <utility>

#include "client/rpc_transport.h"

namespace nokv::client {

using codec::Durability;
using namespace std::chrono_literals;

SimClient::SimClient(SimWorld& world, SimHistory& history, std::string name)
    : world_(world), history_(history), host_(world.scheduler(), world.net(), std::move(name)) {
  live();
}

SimClient::~SimClient() {
  if (up()) crash(SimCrash::process);
}

// ---- life and death

void SimClient::live() {
  ++life_number_;
  life_ = std::make_unique<Life>();
  Env env = host_.env();
  life_->timers = env.executors.serial("client");
  life_->transport = std::make_unique<WatchedTransport>(
      history_, make_rpc_transport(env, host_.net(), SimWorld::kServer));
  life_->caller = std::make_unique<Caller>(parts());
  life_->session = std::make_unique<Session>(parts());
  life_->blocks = std::make_unique<BlockIo>(BlockIoParts{*life_->caller, env, *life_->timers}, 4);
}

CallerParts SimClient::parts() {
  Env env = host_.env();
  return {*life_->transport, env.clock, env.random, *life_->timers};
}

void SimClient::crash(SimCrash how) {
  host_.crash(how);
  std::unique_ptr<Life> last = std::move(life_);  // nothing calls back any more
  ++life_number_;
  journal_ = last->transport->frames();
  busy_ = 0;
  told_.clear();
  told_early_.clear();
  for (uint64_t tag : last->open) {
    history_.told(tag, fail_maybe_done(Code::cancelled, "the client died"));
  }
  last.reset();
  host_.restart();
}

// What the server may not have, or not durably: what a journal would hold.
void SimClient::revive(int lanes) {
  live();
  auto frames = std::make_shared<std::vector<codec::CommitRequest>>();
  uint64_t attach = 0;
  std::map<codec::SessionId, uint64_t> floors;
  for (const auto& [key, frame] : journal_) {
    attach = std::max(attach, frame.attach);
    uint64_t& floor = floors[frame.session];
    floor = std::max(floor, frame.acked_below);
  }
  for (const auto& [key, frame] : journal_) {
    if (frame.sequence < floors[frame.session] || !history_.worth_resending(frame)) continue;
    frames->push_back(frame);
    frames->back().attach = attach;
    frames->back().durability = Durability::durable;
  }
  journal_.clear();
  ++busy_;
  resend(std::move(frames), 0, [this, lanes] {
    --busy_;
    start(lanes);
  });
}

void SimClient::resend(const std::shared_ptr<std::vector<codec::CommitRequest>>& frames,
                       size_t next, const Then& done) {
  if (next == frames->size()) return done();
  codec::CommitRequest& frame = (*frames)[next];
  for (codec::CommitRequest& each : *frames) ++each.attach;
  life_->transport->call(
      codec::Method::commit, codec::encoded(frame), 5s,
      guarded([this, frames, next, done](const Result<std::string>& answer) {
        bool again =
            !answer && (is_transient(answer.error()) || answer.error().code() == Code::cancelled);
        life_->timers->after(again ? 200ms : 0ms, guarded([this, frames, next, again, done] {
                               resend(frames, again ? next : next + 1, done);
                             }));
      }));
}

// ---- what it does

void SimClient::start(int lanes) {
  for (int i = 0; i < lanes && !paused_; ++i) {
    ++busy_;
    rest();
  }
}

void SimClient::rest() {
  life_->timers->after(random().between(1ms, 300ms), guarded([this] { lane(); }));
}

void SimClient::lane() {
  if (paused_) {
    --busy_;
    return;
  }
  Then then = [this] { rest(); };
  uint64_t draw = random().below(100);
  if (draw < 40) return change(then);
  if (draw < 53) return change_early(then);
  if (draw < 55) return burst(then);
  if (draw < 56) return change_session(then);
  if (draw < 63) return upload(then);
  if (draw < 68) return snapshot(then);
  if (draw < 72) return sync(then);
  read(then);
}

// Most requests wait for as long as it takes; some give up.
Duration SimClient::patience() { return random().one_in(10) ? Duration(3s) : Duration(10min); }

void SimClient::commit(std::vector<codec::Operation> operations, Durability durability, Told then,
                       Duration time) {
  auto boxes = history_.begin(std::move(operations), durability);
  uint64_t tag = history_.last_tag();
  life_->open.insert(tag);
  life_->session->commit({std::move(boxes), durability}, in(time),
                         guarded([this, tag, durability, then = std::move(then)](
                                     const Result<codec::CommitReply>& result) {
                           life_->open.erase(tag);
                           history_.told(tag, result);
                           bool early = durability == Durability::early;
                           if (result) (early ? told_early_ : told_).push_back(tag);
                           if (result && durability == Durability::durable)
                             seen_ = std::max(seen_, result->version);
                           then(result);
                         }));
}

void SimClient::sync(std::function<void()> done) {
  auto early = std::exchange(told_early_, {});
  life_->session->sync(in(10min), guarded([this, early = std::move(early),
                                           done = std::move(done)](Result<uint64_t> synced) {
                         if (!synced) history_.early_failed(synced.error());
                         if (synced) told_.insert(told_.end(), early.begin(), early.end());
                         if (synced) seen_ = std::max(seen_, *synced);
                         done();
                       }));
}

// Frames of the old one may still be on their way when it is closed.
void SimClient::change_session(const Then& then) {
  Session& old = *life_->closed.emplace_back(std::move(life_->session));
  life_->session = std::make_unique<Session>(parts());
  old.close(in(10min), guarded([this, then](Result<> closed) {
              if (!closed) history_.early_failed(closed.error());
              then();
            }));
}

void SimClient::close(std::function<void()> done) {
  life_->session->close(in(10min), guarded([this, done = std::move(done)](Result<> closed) {
                          if (!closed) history_.early_failed(closed.error());
                          done();
                        }));
}

}  // namespace nokv::client
