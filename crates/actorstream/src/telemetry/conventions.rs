//! `Conventions`: the version of OpenTelemetry's conventions for generative AI whose names are used.

use std::env;
use std::sync::OnceLock;

/// The version of the conventions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Conventions {
    /// Version 1.41 of the semantic conventions, the last with those of generative AI among them.
    V1_41,
    /// Version 0.1.0 of the conventions of generative AI.
    Latest,
}

impl Conventions {
    /// Returns the version that `OTEL_SEMCONV_STABILITY_OPT_IN` chooses, which is read once.
    pub(super) fn get() -> Self {
        static CHOSEN: OnceLock<Conventions> = OnceLock::new();
        *CHOSEN.get_or_init(|| Self::chosen(&env::var("OTEL_SEMCONV_STABILITY_OPT_IN").unwrap_or_default()))
    }

    /// Returns the version that a list of options chooses.
    fn chosen(options: &str) -> Self {
        let is_latest = options.split(',').any(|option| option.trim() == "gen_ai_latest_experimental");
        if is_latest { Self::Latest } else { Self::V1_41 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_option_chooses_the_version() {
        for (options, version) in [
            ("", Conventions::V1_41),
            ("http", Conventions::V1_41),
            ("gen_ai_latest_experimental", Conventions::Latest),
            ("http/dup, gen_ai_latest_experimental", Conventions::Latest),
        ] {
            assert_eq!(Conventions::chosen(options), version, "{options}");
        }
    }
}
