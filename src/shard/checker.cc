#include "shard/checker.h"

#include "shard/checker_run.h"

namespace nokv::shard {

using meta::fsck::Problem;

Checker::Checker(const Env& env, Shard& shard, object::ObjectStore& store,
                 ExternalStores& externals, EventSink& events, CheckerOptions options)
    : env_(env),
      shard_(shard),
      store_(store),
      externals_(externals),
      events_(events),
      options_(options),
      executor_(env.executors.serial("nokv-fsck")),
      desk_(std::make_shared<Desk>(*executor_)) {}

Checker::~Checker() {
  desk_->close();
  executor_.reset();
  for (auto& running : runs_.with([](auto& runs) { return std::exchange(runs, {}); })) {
    if (auto run = running.run.lock()) run->abandon();
    for (Done& done : running.waiters) done(fail(Code::unavailable, "the server is stopping"));
  }
}

void Checker::fsck(codec::FsckRequest request, Clock::Instant deadline, Done done) {
  std::string name = codec::encoded(request);
  std::shared_ptr<Run> added;
  std::shared_ptr<Run> joined;
  runs_.with([&](std::vector<Running>& runs) {
    auto same = std::ranges::find(runs, name, &Running::request);
    if (same != runs.end()) {
      same->waiters.push_back(std::move(done));
      joined = same->run.lock();
    } else if (runs.size() < options_.runs_max) {
      added = std::make_shared<Run>(*this, std::move(request), deadline);
      Running& running = runs.emplace_back(name, added);
      running.waiters.push_back(std::move(done));
    }
  });
  if (added != nullptr) {
    counters_.running += 1;
    desk_->post([run = std::move(added)] { run->begin(); });
  } else if (joined != nullptr) {
    desk_->post([run = std::move(joined), deadline] { run->extend(deadline); });
  } else if (done) {
    done(fail(Code::overloaded, options_.runs_max, " checks are running; that is the limit"));
  }
}

void Checker::answer(const std::string& request, const Result<codec::FsckReply>& reply) {
  std::vector<Done> waiters;
  runs_.with([&](std::vector<Running>& runs) {
    auto found = std::ranges::find(runs, request, &Running::request);
    waiters = std::move(found->waiters);
    runs.erase(found);
  });
  for (Done& done : waiters) done(reply);
}

Checker::Run::Run(Checker& checker, codec::FsckRequest request, Clock::Instant deadline)
    : checker_(checker),
      request_(std::move(request)),
      name_(codec::encoded(request_)),
      deadline_(deadline),
      told_(checker.env_.clock.now()) {}

void Checker::Run::abandon() {
  blobs_.reset();
  scan_.reset();
  check_.reset();
  state_.reset();
}

void Checker::Run::begin() {
  state_ = checker_.shard_.state();
  if (!state_->initialised()) {
    finish(std::unexpected(Error(Code::failed_precondition, "there is no namespace here yet")
                               .with_hint("create it with: nokv init")));
    return;
  }
  meta::fsck::Check::Options options;
  options.path = request_.target.path;
  options.moments = request_.read_data;
  options.blob_window = checker_.options_.blob_window;
  if (request_.target.id) {
    std::string base = meta::fsck::path_of(state_->view(), request_.target.id);
    if (base.empty()) {
      finish(fail(Code::stale, "node ", request_.target.id.text(), " is no longer in the tree"));
      return;
    }
    options.path = options.path.empty() ? base : meta::join_path(base, options.path);
  }
  auto check = meta::fsck::Check::begin(state_, std::move(options));
  if (!check) {
    finish(std::unexpected(std::move(check).error()));
    return;
  }
  check_ = *std::move(check);
  checker_.events_.info("fsck_begun", {{"version", state_->record.version},
                                       {"path", request_.target.path},
                                       {"repair", request_.repair}});
  next();
}

// Through the executor: so that the stack does not grow, and others come in between.
void Checker::Run::next() {
  checker_.desk_->post([self = shared_from_this()] { self->work(); });
}

void Checker::Run::work() {
  note_progress();
  if (checker_.env_.clock.now() > deadline_) {
    finish(fail(Code::cancelled, "the deadline passed after ", check_->report().checked(),
                " records, with ", check_->report().count(), " problems found"));
    return;
  }
  if (!bodies_.empty()) return read_bodies();
  switch (phase_) {
    case Phase::records:
      return records();
    case Phase::bodies:
      return bodies();
    case Phase::blobs:
      return blobs();
    case Phase::orphans:
      return orphans();
    case Phase::naming:
      return naming();
    case Phase::repairs:
      return repairs();
    case Phase::end:
      return finish(reply());
  }
}

void Checker::Run::note_progress() {
  uint64_t checked = check_->report().checked();
  checker_.counters_.checked += checked - counted_;
  counted_ = checked;
  auto now = checker_.env_.clock.now();
  if (now - told_ < checker_.options_.progress_every) return;
  told_ = now;
  checker_.events_.info(
      "fsck_progress",
      {{"pass", check_->pass()}, {"checked", checked}, {"problems", check_->report().count()}});
}

void Checker::Run::records() {
  bool more = check_->step(checker_.options_.records_at_once);
  if (!more) {
    phase_ = !check_->whole() ? Phase::naming : request_.read_data ? Phase::bodies : Phase::blobs;
  }
  for (auto& seen : check_->take_bodies()) want(std::move(seen));
  std::vector<Look> looks;
  for (const auto& seen : check_->take_seen()) {
    if (read_.contains(seen.blob)) continue;
    auto record = check_->subject().view.present<codec::BlobRecord>(
        codec::number_key(codec::Table::blob, seen.blob));
    if (!record || !*record) continue;
    size_t first = looks.size();
    expand(seen.blob, **record, seen.path, looks);
    for (size_t i = first; i < looks.size(); ++i) looks[i].generation = seen.generation;
  }
  look(std::move(looks));
}

void Checker::Run::naming() {
  if (!std::exchange(naming_begun_, true)) check_->begin_naming();
  if (!check_->step(checker_.options_.records_at_once)) {
    phase_ = request_.repair ? Phase::repairs : Phase::end;
  }
  next();
}

// ---- repairs

void Checker::Run::repairs() {
  auto& problems = check_->report().problems();
  while (repair_ < problems.size() &&
         std::holds_alternative<std::monostate>(problems[repair_].repair)) {
    ++repair_;
  }
  if (repair_ == problems.size()) {
    phase_ = Phase::end;
    return next();
  }
  Problem& problem = problems[repair_++];
  if (const auto* object = std::get_if<meta::fsck::RemoveObject>(&problem.repair)) {
    remove_object(*object, problem);
  } else {
    mend(problem);
  }
}

void Checker::Run::mend(Problem& problem) {
  auto self = shared_from_this();
  auto desk = checker_.desk_;
  checker_.shard_.repair(
      [repair = problem.repair](meta::Transaction& txn) {
        return meta::fsck::plan_repair(txn, repair);
      },
      [self, desk, &problem](Result<> done) {
        desk->post([self, &problem, done = std::move(done)] { self->mended(problem, done); });
      });
}

void Checker::Run::mended(Problem& problem, const Result<>& done) {
  if (done) {
    ++repaired_;
    checker_.counters_.repaired += 1;
    problem.detail += "; repaired";
  } else {
    problem.detail += str("; the repair failed: ", done.error().message());
  }
  next();
}

// ---- the end

codec::FsckReply Checker::Run::reply() {
  codec::FsckReply reply;
  auto& report = check_->report();
  reply.checked = report.checked();
  reply.problem_count = report.count();
  reply.repaired = repaired_;
  for (Problem& it : report.problems()) {
    reply.problems.push_back({std::string(it.code), it.is_error ? "error" : "warning",
                              std::move(it.path), std::move(it.id), std::move(it.detail),
                              meta::fsck::repair_text(it.repair)});
  }
  return reply;
}

void Checker::Run::finish(Result<codec::FsckReply> reply) {
  if (check_ != nullptr) {
    uint64_t problems = check_->report().count();
    checker_.counters_.problems += problems;
    checker_.events_.event(
        problems == 0 ? Level::info : Level::warn, "fsck_ended",
        {{"checked", check_->report().checked()}, {"problems", problems}, {"repaired", repaired_}});
  }
  checker_.counters_.finished += 1;
  checker_.counters_.running -= 1;
  checker_.answer(name_, reply);
}

}  // namespace nokv::shard
