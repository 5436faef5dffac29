//! Options of a request for images.

use crate::string_enum::string_enum;

string_enum! {
    /// What is behind the motif of an image.
    #[derive(Default)]
    pub enum ImageBackground {
        /// Nothing; needs the output format PNG or WebP.
        Transparent = "transparent",
        /// Something.
        Opaque = "opaque",
        /// The model decides. The default.
        #[default]
        Auto = "auto",
    }
}

string_enum! {
    /// How strictly images are moderated.
    #[derive(Default)]
    pub enum ImageModeration {
        /// Less strictly.
        Low = "low",
        /// The default.
        #[default]
        Auto = "auto",
    }
}

string_enum! {
    /// The encoding of an image.
    #[derive(Default)]
    pub enum ImageOutputFormat {
        /// PNG, the default.
        #[default]
        Png = "png",
        /// JPEG.
        Jpeg = "jpeg",
        /// WebP.
        Webp = "webp",
    }
}

string_enum! {
    /// How good an image is to be; not every model takes every value.
    #[derive(Default)]
    pub enum ImageQuality {
        /// The only one of DALL·E 2, and the lower one of DALL·E 3.
        Standard = "standard",
        /// The higher one of DALL·E 3.
        Hd = "hd",
        /// Low.
        Low = "low",
        /// Middling.
        Medium = "medium",
        /// High.
        High = "high",
        /// More than high, for newer models.
        XHigh = "xhigh",
        /// As good as it gets, for newer models.
        Max = "max",
        /// The best for the model. The default.
        #[default]
        Auto = "auto",
    }
}

string_enum! {
    /// How a DALL·E model gives back its images; other models always send the image itself.
    #[derive(Default)]
    pub enum ImageResponseFormat {
        /// By an address that is good for an hour. The default.
        #[default]
        Url = "url",
        /// The image itself in base64.
        B64Json = "b64_json",
    }
}

string_enum! {
    /// Width and height of an image in pixels. Newer models take others than these, such as `1536x864`.
    #[derive(Default)]
    pub enum ImageSize {
        /// The model decides.
        #[default]
        Auto = "auto",
        /// 256 × 256, for DALL·E 2.
        Square256 = "256x256",
        /// 512 × 512, for DALL·E 2.
        Square512 = "512x512",
        /// 1024 × 1024.
        Square1024 = "1024x1024",
        /// 1536 × 1024, wider than high.
        Landscape1536 = "1536x1024",
        /// 1024 × 1536, higher than wide.
        Portrait1536 = "1024x1536",
        /// 1792 × 1024, for DALL·E 3.
        Landscape1792 = "1792x1024",
        /// 1024 × 1792, for DALL·E 3.
        Portrait1792 = "1024x1792",
    }
}

string_enum! {
    /// The look of an image by DALL·E 3.
    #[derive(Default)]
    pub enum ImageStyle {
        /// Dramatic, more real than life. The default.
        #[default]
        Vivid = "vivid",
        /// Closer to life.
        Natural = "natural",
    }
}

string_enum! {
    /// How closely an edited image keeps to the one it is made from.
    #[derive(Default)]
    pub enum InputFidelity {
        /// Closely, faces above all.
        High = "high",
        /// Loosely. The default.
        #[default]
        Low = "low",
    }
}
