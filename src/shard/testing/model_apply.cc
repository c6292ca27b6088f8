// What operations do to the model.
#include "shard/testing/model_doing.h"

namespace nokv::shard::model {

Code apply(World& world, const std::vector<codec::OperationBox>& operations, const Told& told,
           std::string& wrong) {
  World next = world;
  Doing doing(next, told, wrong);
  size_t index = 0;
  for (const auto& box : operations) {
    if (Code bad = doing.run(box.op, index++); bad != Code::ok) return bad;
  }
  if (Code bad = doing.check_quotas(); bad != Code::ok) return bad;
  world = std::move(next);
  return Code::ok;
}

}  // namespace nokv::shard::model
