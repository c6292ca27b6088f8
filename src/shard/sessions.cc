#include "shard/sessions.h"

#include <algorithm>

#include "codec/key.h"

namespace nokv::shard {

using codec::CommitReply;
using codec::CommitRequest;
using codec::Table;

Result<> SessionTable::load(const meta::View& view, Clock::Instant now) {
  auto before = std::exchange(sessions_, {});
  auto table = [&](Table t) {
    auto rows =
        view.snapshot().iterate(codec::table_key(t), codec::prefix_end(codec::table_key(t)));
    rows->seek(codec::table_key(t));
    return rows;
  };
  auto rows = table(Table::session);
  for (; rows->valid(); rows->next()) {
    codec::SessionId id{};
    codec::SessionRecord record;
    if (rows->key().size() != 1 + id.size() || !codec::decode(rows->value(), record)) {
      return meta::damaged(rows->key());
    }
    std::copy(rows->key().begin() + 1, rows->key().end(), reinterpret_cast<char*>(id.data()));
    Session& session = sessions_[id];
    if (!record.ids.empty()) session.next_id = record.ids.front().first;
    session.record = std::move(record);
    session.used = now;
    if (auto known = before.find(id); known != before.end()) {
      session.used = known->second.used;
      session.attach = known->second.attach;
      session.acked_below = known->second.acked_below;
    }
  }
  NOKV_TRY(rows->status());
  for (rows = table(Table::request); rows->valid(); rows->next()) {
    codec::SessionId id{};
    codec::RequestRecord record;
    CommitReply reply;
    if (rows->key().size() != 1 + id.size() + 4 || !codec::decode(rows->value(), record) ||
        !codec::decode(record.result, reply)) {
      return meta::damaged(rows->key());
    }
    std::copy_n(rows->key().begin() + 1, id.size(), reinterpret_cast<char*>(id.data()));
    auto session = sessions_.find(id);
    if (session == sessions_.end()) continue;
    session->second.acked_below = std::max(session->second.acked_below, record.acked_below);
    session->second.newest = std::max(session->second.newest, record.sequence);
    session->second.next_id = std::max(session->second.next_id, record.next_id);
    Request& request = session->second.requests[record.sequence];
    request.result = std::move(reply);
    request.bytes = record.result.size();
    session->second.result_bytes += request.bytes;
  }
  NOKV_TRY(rows->status());
  for (auto& [id, session] : sessions_) {
    while (!session.requests.empty() && session.requests.begin()->first < session.acked_below) {
      session.result_bytes -= session.requests.begin()->second.bytes;
      session.requests.erase(session.requests.begin());
    }
  }
  return {};
}

SessionTable::Verdict SessionTable::admit(const CommitRequest& request, Clock::Instant now,
                                          CommitDone& done) {
  auto found = sessions_.find(request.session);
  bool opens = found == sessions_.end();
  if (opens) {
    // Not only by number 1: that one may have been given up before it came here.
    if (!request.open_session || closed_.contains(request.session)) {
      return {Verdict::Kind::answer, false,
              fail_maybe_done(Code::session_expired,
                              "the session is not known here: it expired or was closed")};
    }
    if (sessions_.size() >= kSessionsMax) {
      return {Verdict::Kind::answer, false,
              fail(Code::overloaded, sessions_.size(), " sessions are open; that is the limit")};
    }
    // Refused at the door it is not open: its row would not be written.
    Session fresh;
    fresh.used = now;
    Verdict verdict = judge(fresh, request, done);
    verdict.opens = verdict.kind == Verdict::Kind::execute;
    if (verdict.opens) sessions_.emplace(request.session, std::move(fresh));
    return verdict;
  }
  found->second.used = now;
  return judge(found->second, request, done);
}

SessionTable::Verdict SessionTable::judge(Session& session, const CommitRequest& request,
                                          CommitDone& done) {
  auto refuse = [](Code code, auto&&... what) {
    return Verdict{Verdict::Kind::answer, false, fail(code, what...)};
  };
  if (request.attach < session.attach) {
    return refuse(Code::stale, "another connection took the session over");
  }
  session.attach = request.attach;
  if (request.acked_below > session.acked_below) {
    session.acked_below = request.acked_below;
    auto& requests = session.requests;
    while (!requests.empty() && requests.begin()->first < session.acked_below &&
           !requests.begin()->second.running) {
      session.result_bytes -= requests.begin()->second.bytes;
      requests.erase(requests.begin());
    }
  }
  uint64_t sequence = request.sequence;
  if (sequence < session.acked_below) {
    return {Verdict::Kind::answer, false,
            fail_maybe_done(Code::stale, "request ", sequence,
                            " was acknowledged; it is not executed again")};
  }
  if (sequence >= session.acked_below + codec::kSessionWindow) {
    return refuse(Code::overloaded, "request ", sequence, " is ", codec::kSessionWindow,
                  " or more ahead of the oldest that is not acknowledged");
  }
  Request& row = session.requests[sequence];
  if (row.result) return {Verdict::Kind::answer, false, *row.result};
  if (row.running) {
    row.waiters.push_back(std::move(done));
    return {Verdict::Kind::wait};
  }
  if (session.result_bytes > kResultBytesMax) {
    session.requests.erase(sequence);
    return refuse(Code::overloaded, "results of ", session.result_bytes,
                  " bytes wait to be acknowledged");
  }
  row.running = true;
  session.newest = std::max(session.newest, sequence);
  return {};
}

Result<std::vector<codec::IdRange>> SessionTable::own_ids(const CommitRequest& request,
                                                          uint64_t durable) const {
  std::vector<codec::IdRange> out;
  auto found = sessions_.find(request.session);
  if (found == sessions_.end()) return out;
  const Session& session = found->second;
  if (request.first_id != 0) {
    for (const codec::IdRange& range : session.record.ids) {
      bool free = range.has(request.first_id) && request.first_id >= session.next_id;
      if (free) out.push_back({request.first_id, range.end});
    }
    if (!out.empty()) return out;
    return fail(Code::stale, "id ", request.first_id,
                " is not free any more: what was answered early cannot be made again as it was");
  }
  size_t usable = session.record.ids.size() - (session.reserved_by > durable ? 1 : 0);
  for (size_t i = 0; i < usable; ++i) {
    codec::IdRange range = session.record.ids[i];
    range.first = std::max(range.first, session.next_id);
    if (range.first < range.end) out.push_back(range);
  }
  return out;
}

void SessionTable::took_ids(const codec::SessionId& id, uint64_t next) {
  sessions_.at(id).next_id = next;
}

uint64_t SessionTable::next_id(const codec::SessionId& id) const {
  auto found = sessions_.find(id);
  return found == sessions_.end() ? 0 : found->second.next_id;
}

bool SessionTable::wants_ids(const codec::SessionId& id) const {
  auto found = sessions_.find(id);
  if (found == sessions_.end()) return false;
  const auto& ids = found->second.record.ids;
  return ids.empty() ||
         ids.back().end - std::max(ids.back().first, found->second.next_id) < kIdsReserved / 2;
}

void SessionTable::reserve(const codec::SessionId& id, codec::IdRange ids, uint64_t version) {
  Session& session = sessions_.at(id);
  auto& ranges = session.record.ids;
  if (ranges.empty()) session.next_id = ids.first;
  if (ranges.size() == 2) ranges.erase(ranges.begin());
  ranges.push_back(ids);
  session.reserved_by = version;
}

uint64_t SessionTable::newest(const codec::SessionId& id) const {
  auto found = sessions_.find(id);
  return found == sessions_.end() ? 0 : found->second.newest;
}

void SessionTable::close(const codec::SessionId& id) {
  if (sessions_.erase(id) == 0 || !closed_.insert(id).second) return;
  closed_order_.push_back(id);
  if (closed_order_.size() <= kClosedMax) return;
  closed_.erase(closed_order_.front());
  closed_order_.pop_front();
}

void SessionTable::finish(const CommitRequest& request, const Result<CommitReply>& result) {
  auto found = sessions_.find(request.session);
  if (found == sessions_.end()) return;
  auto row = found->second.requests.find(request.sequence);
  if (row == found->second.requests.end()) return;
  row->second.running = false;
  row->second.result = result;
  row->second.bytes = 64 + (result ? result->results.size() * 64 : result.error().message().size());
  found->second.result_bytes += row->second.bytes;
}

std::vector<CommitDone> SessionTable::take_waiters(const CommitRequest& request) {
  auto found = sessions_.find(request.session);
  if (found == sessions_.end()) return {};
  auto row = found->second.requests.find(request.sequence);
  if (row == found->second.requests.end()) return {};
  return std::move(row->second.waiters);
}

std::vector<codec::SessionId> SessionTable::idle(Clock::Instant now, Duration idle,
                                                 size_t limit) const {
  std::vector<codec::SessionId> out;
  for (const auto& [id, session] : sessions_) {
    if (now - session.used > idle && out.size() < limit) out.push_back(id);
  }
  std::ranges::sort(out);  // the order of the table must not matter
  return out;
}

}  // namespace nokv::shard
