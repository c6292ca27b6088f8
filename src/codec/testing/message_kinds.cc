#include "codec/testing/message_kinds.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "codec/testing/fields.h"
#include "codec/testing/messages.h"

namespace nokv::codec {
namespace {

template <class T>
MessageKind::Message whole(const T& message) {
  return {encoded(message), printed(message)};
}

template <class T>
MessageKind::Message filled(auto&& filler) {
  T message;
  T::fields(message, filler);
  return whole(message);
}

struct Collect {
  std::vector<MessageKind> kinds;

  template <class T>
  void operator()(const char* name) {
    FieldNumbers seen;
    T empty;
    T::fields(empty, seen);
    kinds.push_back({
        .name = name,
        .numbers = std::move(seen.numbers),
        .members = member_count<T>(),
        .empty = whole(T()),
        .example = filled<T>(ExampleFiller()),
        .random = [](SimRandom& random) { return filled<T>(RandomFiller(random)); },
        .read = [](std::string_view bytes) -> std::optional<MessageKind::Message> {
          T message;
          if (!decode(bytes, message)) return std::nullopt;
          return whole(message);
        },
    });
  }
};

}  // namespace

std::vector<MessageKind> message_kinds(MessageGroup group) {
  Collect collect;
  switch (group) {
    case MessageGroup::record:
      for_each_record(collect);
      break;
    case MessageGroup::redo:
      for_each_redo(collect);
      break;
    case MessageGroup::operation:
      for_each_operation(collect);
      break;
    case MessageGroup::rpc:
      for_each_rpc(collect);
      break;
    case MessageGroup::backup:
      for_each_backup(collect);
      break;
  }
  return std::move(collect.kinds);
}

std::vector<MessageKind> all_message_kinds() {
  std::vector<MessageKind> all;
  for (MessageGroup group : {MessageGroup::record, MessageGroup::redo, MessageGroup::operation,
                             MessageGroup::rpc, MessageGroup::backup}) {
    std::ranges::move(message_kinds(group), std::back_inserter(all));
  }
  return all;
}

}  // namespace nokv::codec
