#include "meta/event_filter.h"

#include <gtest/gtest.h>

namespace nokv::meta {
namespace {

using codec::Event;
using codec::EventKind;

bool hears(const std::string& watched, const Event& event, bool here_only = false,
           uint32_t kinds = kEventsUnlessSaid) {
  return EventFilter{watched, here_only, kinds}.matches(event);
}

Event at(const std::string& path, EventKind kind = EventKind::published) {
  return {.kind = kind, .path = path};
}

TEST(EventFilter, AWatchHearsOfItsPathAndWhatLiesBelow) {
  EXPECT_TRUE(hears("/a", at("/a")));
  EXPECT_TRUE(hears("/a", at("/a/b")));
  EXPECT_TRUE(hears("/a", at("/a/b/c/d")));
  EXPECT_TRUE(hears("/", at("/")));
  EXPECT_TRUE(hears("/", at("/a/b")));
  EXPECT_FALSE(hears("/a", at("/ab")));
  EXPECT_FALSE(hears("/a", at("/")));
  EXPECT_FALSE(hears("/a/b", at("/a")));
  EXPECT_FALSE(hears("/a/b", at("/a/c")));
}

TEST(EventFilter, HereOnlyIsThePathAndItsEntries) {
  EXPECT_TRUE(hears("/a", at("/a"), true));
  EXPECT_TRUE(hears("/a", at("/a/b"), true));
  EXPECT_FALSE(hears("/a", at("/a/b/c"), true));
  EXPECT_TRUE(hears("/", at("/a"), true));
  EXPECT_FALSE(hears("/", at("/a/b"), true));
}

TEST(EventFilter, ARenameIsHeardOfOnBothPaths) {
  Event event{.kind = EventKind::renamed, .path = "/new/f", .old_path = "/old/f"};
  EXPECT_TRUE(hears("/new", event));
  EXPECT_TRUE(hears("/old", event));
  EXPECT_TRUE(hears("/old/f", event, true));
  EXPECT_FALSE(hears("/other", event));
}

TEST(EventFilter, WhatCoversASubtreeIsHeardOfBelowItToo) {
  Event event{.kind = EventKind::renamed, .covers_subtree = true, .path = "/x/a", .old_path = "/a"};
  for (const char* path : {"/a", "/a/b/c", "/x/a", "/x/a/b/c", "/x", "/"}) {
    EXPECT_TRUE(hears(path, event)) << path;
  }
  for (const char* path : {"/a", "/a/b/c", "/x/a/b/c", "/x", "/"}) {
    EXPECT_TRUE(hears(path, event, true)) << path;
  }
  EXPECT_FALSE(hears("/ab", event));
  EXPECT_FALSE(hears("/x/b", event));
  event.covers_subtree = false;
  EXPECT_FALSE(hears("/a/b/c", event));
}

TEST(EventFilter, KindsAreChosenAndMomentsMustBe) {
  EXPECT_FALSE(hears("/", at("/", EventKind::moment)));
  EXPECT_TRUE(hears("/", at("/", EventKind::moment), false, event_bit(EventKind::moment)));
  EXPECT_FALSE(hears("/", at("/a"), false, event_bit(EventKind::removed)));
  EXPECT_TRUE(hears("/", at("/a", EventKind::removed), false, event_bit(EventKind::removed)));
  // A kind of a later program is told, not lost.
  EXPECT_TRUE(hears("/", at("/a", EventKind{13})));
}

}  // namespace
}  // namespace nokv::meta
