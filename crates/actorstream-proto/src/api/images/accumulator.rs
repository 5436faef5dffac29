//! `ImagesAccumulator`: events → the images that the unstreamed call would have returned.

use serde_json::Value;

use super::event::{ImageEditEvent, ImageGenerationEvent};
use super::generated::{
    GeneratedImage, ImageEditStreamEvent, ImageGenStreamEvent, ImageGenUsage, ImagesResponse, ImagesUsage,
};
use crate::endpoint::event::Accumulator;
use crate::endpoint::raw::missing_of;
use crate::json::extra::Extra;

/// The size in bytes that an image counts for besides its base64.
const IMAGE: usize = 1 << 10;

/// Accumulates the complete images. Previews are only in their events.
#[derive(Debug, Default)]
pub struct ImagesAccumulator {
    response: ImagesResponse,
    images: Vec<GeneratedImage>,
    size: usize,
}

/// Implements the accumulator for the events of generations and of edits, which have the same fields.
macro_rules! accumulate {
    ($event:ident, $stream:ident) => {
        impl Accumulator<$event> for ImagesAccumulator {
            fn push(&mut self, event: &mut $event, keep: bool) {
                let $stream::Completed(image) = &event.event else { return };
                let response = &mut self.response;
                if self.images.is_empty() {
                    response.created = image.created_at;
                    let came = |value: &str| !value.is_empty();
                    response.background = Some(image.background.clone()).filter(|value| came(value.as_str()));
                    response.output_format =
                        Some(image.output_format.clone()).filter(|value| came(value.as_str()));
                    response.size = Some(image.size.clone()).filter(|value| came(value.as_str()));
                    response.quality = Some(image.quality.clone()).filter(|value| came(value.as_str()));
                }
                self.completed(&image.b64_json, &image.extra, &image.usage, keep);
            }

            fn size(&self) -> usize {
                self.size
            }

            fn is_complete(&self, choices: usize) -> bool {
                self.images.len() >= choices.max(1)
            }

            fn missing(&self, choices: usize) -> String {
                missing_of(self.images.len(), choices.max(1), "images")
            }

            fn take(&mut self) -> ImagesResponse {
                let images = std::mem::take(&mut self.images);
                ImagesResponse { data: Some(images), ..std::mem::take(&mut self.response) }
            }
        }
    };
}
accumulate!(ImageGenerationEvent, ImageGenStreamEvent);
accumulate!(ImageEditEvent, ImageEditStreamEvent);

impl ImagesAccumulator {
    fn completed(&mut self, b64_json: &str, extra: &Extra, usage: &ImagesUsage, keep: bool) {
        let beside = |name: &str| extra.get(name).and_then(Value::as_str).map(str::to_owned);
        let url = beside("url");
        let b64_json = (keep && !(b64_json.is_empty() && url.is_some())).then(|| b64_json.to_owned());
        let revised_prompt = beside("revised_prompt").filter(|_| keep);
        let texts = [&b64_json, &url, &revised_prompt];
        self.size += IMAGE + texts.into_iter().flatten().map(String::len).sum::<usize>();
        self.images.push(GeneratedImage { b64_json, revised_prompt, url, ..GeneratedImage::default() });
        if *usage == ImagesUsage::default() {
            // The server reports no usage.
            return;
        }
        // Each image reports its own tokens.
        let total: &mut ImageGenUsage = self.response.usage.get_or_insert_default();
        for (total, more) in [
            (&mut total.input_tokens, usage.input_tokens),
            (&mut total.output_tokens, usage.output_tokens),
            (&mut total.total_tokens, usage.total_tokens),
            (&mut total.input_tokens_details.text_tokens, usage.input_tokens_details.text_tokens),
            (&mut total.input_tokens_details.image_tokens, usage.input_tokens_details.image_tokens),
        ] {
            *total = total.saturating_add(more);
        }
    }
}
