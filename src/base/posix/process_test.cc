#include "base/posix/process.h"

#include <semaphore>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

namespace nokv {
namespace {

// Real-time signals queue, so each sent is one received.
TEST(SignalThread, CallsForEachSignalSentToTheProcess) {
  std::vector<int> got;
  std::counting_semaphore<> arrived(0);
  SignalThread signals({SIGTERM, SIGRTMIN});
  ASSERT_EQ(::kill(::getpid(), SIGTERM), 0);  // waits for start()
  signals.start([&](int signal) {
    got.push_back(signal);
    arrived.release();
  });
  arrived.acquire();
  std::jthread sender([] { ::kill(::getpid(), SIGRTMIN); });
  arrived.acquire();
  EXPECT_THAT(got, testing::ElementsAre(SIGTERM, SIGRTMIN));
}

TEST(SignalThread, GivesTheSignalsBackAtItsEnd) {
  {
    SignalThread signals({SIGUSR1});
  }
  sigset_t now{};
  ASSERT_EQ(pthread_sigmask(SIG_BLOCK, nullptr, &now), 0);
  EXPECT_EQ(sigismember(&now, SIGUSR1), 0);
}

TEST(Process, AWriteToAClosedPipeIsAnError) {
  ignore_broken_pipes();
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  ::close(ends[0]);
  EXPECT_EQ(::write(ends[1], "x", 1), -1);
  EXPECT_EQ(errno, EPIPE);
  ::close(ends[1]);
}

TEST(Process, ReadsTheEnvironment) {
  ASSERT_EQ(::setenv("NOKV_PROCESS_TEST", "value", 1), 0);  // NOLINT(concurrency-mt-unsafe)
  EXPECT_EQ(environment_variable("NOKV_PROCESS_TEST"), "value");
  EXPECT_EQ(environment_variable("NOKV_PROCESS_TEST_UNSET"), std::nullopt);
}

TEST(Process, AShellGetsItsInputAndVariablesAndSaysHowItEnded) {
  EXPECT_EQ(run_shell("exit 3", "", {}).value(), 3);
  EXPECT_EQ(run_shell("kill -9 $$", "", {}).value(), 128 + 9);
  EXPECT_EQ(run_shell("kill -13 $$", "", {}).value(), 128 + 13);  // not ignored, as it is here
  const std::string line = "test \"$(cat)\" = 'the input' && test \"$NOKV_SHELL_TEST\" = \"a 'b'\"";
  EXPECT_EQ(run_shell(line, "the input", {{"NOKV_SHELL_TEST", "a 'b'"}}).value(), 0);
  EXPECT_EQ(run_shell(line, "another", {{"NOKV_SHELL_TEST", "a 'b'"}}).value(), 1);
  EXPECT_EQ(run_shell("test -n \"$PATH\"", "", {}).value(), 0);
  EXPECT_EQ(run_shell("test \"$PATH\" = /nowhere", "", {{"PATH", "/nowhere"}}).value(), 0);
  // Nobody has to read it.
  EXPECT_EQ(run_shell("exit 0", std::string(4 << 20, 'x'), {}).value(), 0);
}

TEST(Process, PeakMemoryCountsWhatWasFreedAgain) {
  uint64_t before = rss_bytes();
  ASSERT_GT(before, 0U);
  {
    std::vector<char> big(64 << 20, 'x');
    EXPECT_GE(rss_bytes(), before + (48 << 20));
  }
  EXPECT_GE(peak_rss_bytes(), before + (48 << 20));
}

TEST(Process, TheOpenFilesLimitIsNotLowered) { EXPECT_GE(raise_open_files_limit(), 256U); }

}  // namespace
}  // namespace nokv
