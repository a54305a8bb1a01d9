// What a model's maker says about it: written, read, refused, and the template around a prompt.
#include "engine/model/metadata.h"

#include <gtest/gtest.h>

#include <cstring>
#include <limits>

#include "engine/session.h"
#include "tests/engine/support/test_image.h"
#include "tools/packer/metadata.h"

namespace pico_llama {
namespace {

packer::ImageBytes plain_image() {
  const auto model = test_support::random_model({32, 48, 2, 4, 2, 400, 64}, true, 5);
  const auto image = test_support::build_image(model, Profile::kQ8);
  return {image.begin(), image.end()};
}

packer::ImageBytes image_with(const Metadata& metadata) {
  packer::ImageBytes image = plain_image();
  packer::add_metadata(image, metadata);
  return image;
}

const Metadata kEveryField{"Tales", "Q: {prompt}\nA:", "MIT", "Zo\xc3\xab", 0.75f};

TEST(Metadata, IsReadAsItWasWritten) {
  const packer::ImageBytes image = image_with(kEveryField);
  const Result<ModelImage> parsed = ModelImage::parse(image);
  ASSERT_TRUE(parsed.ok()) << parsed.status().text();
  EXPECT_TRUE(parsed.value().check_crc().ok());
  const Metadata metadata = parsed.value().metadata();
  EXPECT_EQ(metadata.name, kEveryField.name);
  EXPECT_EQ(metadata.prompt_template, kEveryField.prompt_template);
  EXPECT_EQ(metadata.licence, kEveryField.licence);
  EXPECT_EQ(metadata.authors, kEveryField.authors);
  EXPECT_EQ(metadata.temperature, kEveryField.temperature);
  const packer::ImageBytes without = plain_image();
  EXPECT_TRUE(ModelImage::parse(without).value().metadata().name.empty());
  EXPECT_LT(ModelImage::parse(without).value().metadata().temperature, 0);
  EXPECT_EQ(ModelImage::parse(without).value().metadata().temperature_or_default(), 1.0f);
}

TEST(Metadata, RulesAreEnforced) {
  const std::string long_text(600, 'x');
  Metadata wrong[12];
  for (Metadata& each : wrong) each = kEveryField;
  wrong[0].temperature = 11;
  wrong[1].temperature = -2;
  wrong[2].temperature = std::numeric_limits<float>::quiet_NaN();
  wrong[3].name = "a\nb";
  wrong[4].authors = "\xff";
  wrong[5].prompt_template = "no mark";
  wrong[6].prompt_template = "{prompt} {prompt}";
  wrong[7].prompt_template = "{prompt}\xff";
  wrong[8].name = std::string_view(long_text).substr(0, kMostNameBytes + 1);
  wrong[9].licence = long_text;
  wrong[10].prompt_template = "{prompt}\x1b[2J";
  wrong[11].prompt_template = long_text;
  for (const Metadata& each : wrong) EXPECT_FALSE(each.validate().ok());
  EXPECT_TRUE(kEveryField.validate().ok());
}

TEST(Metadata, BrokenSectionsAreRefused) {
  const packer::ImageBytes good = image_with(kEveryField);
  ImageHeader header;
  std::memcpy(&header, good.data(), sizeof header);
  const auto refuses = [&good](size_t at, uint32_t value) {
    packer::ImageBytes image = good;
    std::memcpy(image.data() + at, &value, sizeof value);
    return !ModelImage::parse(image).ok();
  };
  const size_t section = header.metadata_offset;
  for (const uint32_t offset : {1u, 64u, header.metadata_offset + 4, header.file_bytes, 0xffffffc0u})
    EXPECT_TRUE(refuses(offsetof(ImageHeader, metadata_offset), offset)) << offset;
  for (const size_t field : {4u, 8u, 12u, 16u})
    for (const uint32_t bytes : {0x7fffffffu, 0xffffffffu, 2000u})
      EXPECT_TRUE(refuses(section + field, bytes)) << field;
  EXPECT_TRUE(refuses(section, 0x7fc00000u)) << "not a number";
  EXPECT_TRUE(refuses(section + 20, 1));
  for (const size_t field : {0u, 4u, 8u})
    EXPECT_TRUE(refuses(offsetof(ImageHeader, reserved) + field, 1)) << field;
  EXPECT_TRUE(refuses(section + 24, 0x01020304u)) << "control characters";
}

TEST(Metadata, ATemplateWrapsPrompts) {
  SingleWorker worker;
  const auto told = [&worker](const packer::ImageBytes& bytes, const std::string& prompt, bool use_template) {
    const ModelImage image = ModelImage::parse(bytes).value();
    std::vector<std::byte> memory(Session::bytes_needed(image, 64).value());
    Session session = Session::create(image, 64, memory, worker).value();
    SessionOptions options;
    options.use_template = use_template;
    std::vector<int32_t> tokens;
    if (!session.begin(prompt, options).ok()) return tokens;
    for (StopReason stop = StopReason::kNone; stop == StopReason::kNone;) {
      const SessionStep step = session.step();
      if (step.token >= 0) tokens.push_back(step.token);
      stop = step.stop;
    }
    return tokens;
  };
  const packer::ImageBytes plain = plain_image();
  for (const std::string wrapped : {"Q: {prompt}\nA:", "{prompt}", "{prompt}!", ">{prompt}"}) {
    const packer::ImageBytes image = image_with({"", wrapped, "", "", -1});
    for (const std::string prompt : {"why", "{prompt}", " a", ""}) {
      std::string whole = wrapped;
      whole.replace(whole.find("{prompt}"), 8, prompt);
      EXPECT_EQ(told(image, prompt, true), told(plain, prompt.empty() ? "" : whole, true))
          << wrapped << prompt;
      EXPECT_EQ(told(image, prompt, false), told(plain, prompt, true));
    }
    EXPECT_TRUE(told(image, "\xff", true).empty());
    EXPECT_TRUE(told(image, std::string(300, 'Z'), true).empty());
  }
}

}  // namespace
}  // namespace pico_llama
