// Values of the engine's tables.
#include "codec/testing/messages.h"
#include "codec/testing/round_trip.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  nokv::codec::RoundTrip visit{{reinterpret_cast<const char*>(data), size}};
  nokv::codec::for_each_record(visit);
  return 0;
}
