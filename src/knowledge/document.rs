//! A reference document: Markdown with TOML front matter between `+++` lines, cut into sections that stand alone.

use serde::Deserialize;

/// A document of the reference, of a rule, or of the team.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The file's stem: the part of a section's id before `#`.
    pub stem: String,
    /// What it is called.
    pub title: String,
    /// The dialects it speaks of; empty: any.
    pub dialects: Vec<String>,
    /// The phases in which it helps; empty: any.
    pub phases: Vec<String>,
    /// The versions it speaks of, in words.
    pub versions: String,
    /// What its facts were run on.
    pub verified_with: Vec<String>,
    /// The field's words for it.
    pub tags: Vec<String>,
    /// What people say who do not know the field's words.
    pub everyday: String,
    /// Whose it is.
    pub origin: Origin,
    /// Its sections, in order.
    pub sections: Vec<Section>,
}

/// Whose text it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A document in `knowledge/`.
    Reference,
    /// A rule's page.
    Rule,
    /// A file of the team's own folder: information, never instructions.
    Team,
}

/// A part of a document that is understood without the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// The part of its id after `#`.
    pub slug: String,
    /// Its heading.
    pub heading: String,
    /// Its text, in Markdown, without the heading.
    pub text: String,
    /// Where its facts are from.
    pub sources: Vec<String>,
    /// Error codes and fixed parts of messages that it answers.
    pub errors: Vec<String>,
    /// The versions it speaks of, where they differ from the document's.
    pub versions: Option<String>,
    /// What its facts were run on.
    pub verified_with: Vec<String>,
}

/// A document is not in the form.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// No front matter, or it does not end.
    #[error("`{stem}` has no front matter between `+++` lines")]
    NoFrontMatter {
        /// The document.
        stem: String,
    },
    /// The front matter is no TOML, or says what we do not know.
    #[error("the front matter of `{stem}` is not understood: {}", .source.message())]
    FrontMatter {
        /// The document.
        stem: String,
        /// Where and why.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// A heading without its fixed name.
    #[error("heading `{heading}` of `{stem}` has no `{{#slug}}`")]
    NoSlug {
        /// The document.
        stem: String,
        /// The heading.
        heading: String,
    },
    /// Two sections with one name.
    #[error("`{stem}#{slug}` is there twice")]
    SlugTwice {
        /// The document.
        stem: String,
        /// The name.
        slug: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FrontMatter {
    title: String,
    dialects: Vec<String>,
    phases: Vec<String>,
    versions: String,
    #[serde(default)]
    verified_with: Vec<String>,
    sources: Vec<String>,
    tags: Vec<String>,
    #[serde(default)]
    everyday: String,
    #[serde(default)]
    errors: Vec<String>,
}

impl Document {
    /// Reads a document of `knowledge/`.
    ///
    /// # Errors
    /// It is not in the form: front matter, and a `{#slug}` on every second-level heading.
    pub fn read(stem: &str, text: &str) -> Result<Self, DocumentError> {
        let no_front_matter = || DocumentError::NoFrontMatter { stem: stem.to_owned() };
        let rest = text.strip_prefix("+++\n").ok_or_else(no_front_matter)?;
        let (front, body) = rest.split_once("\n+++\n").ok_or_else(no_front_matter)?;
        let front: FrontMatter =
            toml::from_str(front).map_err(|source| DocumentError::FrontMatter { stem: stem.to_owned(), source: Box::new(source) })?;
        let mut sections: Vec<Section> = Vec::new();
        for (heading, text) in headed(body) {
            let Some((heading, slug)) = heading.split_once("{#").and_then(|(words, rest)| Some((words.trim(), rest.strip_suffix('}')?)))
            else {
                return Err(DocumentError::NoSlug { stem: stem.to_owned(), heading });
            };
            if sections.iter().any(|other| other.slug == slug) {
                return Err(DocumentError::SlugTwice { stem: stem.to_owned(), slug: slug.to_owned() });
            }
            let own = Overrides::read(&text);
            sections.push(Section {
                slug: slug.to_owned(),
                heading: heading.to_owned(),
                text: own.rest,
                sources: if own.sources.is_empty() { front.sources.clone() } else { own.sources },
                errors: own.errors,
                versions: own.versions,
                verified_with: if own.verified_with.is_empty() { front.verified_with.clone() } else { own.verified_with },
            });
        }
        place_errors(&front.errors, &mut sections);
        let any = |words: Vec<String>| if words.iter().any(|word| word == "any") { Vec::new() } else { words };
        Ok(Self {
            stem: stem.to_owned(),
            title: front.title,
            dialects: any(front.dialects),
            phases: any(front.phases),
            versions: front.versions,
            verified_with: front.verified_with,
            tags: front.tags,
            everyday: front.everyday,
            origin: Origin::Reference,
            sections,
        })
    }

    /// A rule's page as a document of one section, `why`.
    #[must_use]
    pub fn of_rule(name: &str, page: &str) -> Self {
        let (title, rest) = page.split_once('\n').unwrap_or((page, ""));
        Self {
            stem: format!("rule-{name}"),
            title: title.trim_start_matches("# ").to_owned(),
            dialects: Vec::new(),
            phases: vec!["REVIEW_SQL".to_owned()],
            versions: "alembic-gate".to_owned(),
            verified_with: Vec::new(),
            tags: vec![name.to_owned()],
            everyday: String::new(),
            origin: Origin::Rule,
            sections: vec![Section {
                slug: "why".to_owned(),
                heading: format!("Rule {name}"),
                text: without_fences(rest),
                sources: vec![format!("alembic-gate, rule {name}")],
                errors: Vec::new(),
                versions: None,
                verified_with: Vec::new(),
            }],
        }
    }

    /// The page of a recipe: a section too, for those who plan.
    #[must_use]
    pub fn of_recipe(name: &str, dialects: &[String], page: &str) -> Self {
        let mut document = Self::of_rule(name, page);
        document.stem = format!("recipe-{name}");
        document.dialects = dialects.to_vec();
        document.phases = vec!["PLAN".to_owned(), "GENERATE".to_owned()];
        for section in &mut document.sections {
            section.heading = format!("Recipe {name}");
            section.sources = vec![format!("alembic-gate, recipe {name}, run on servers in its tests")];
        }
        document
    }

    /// A file of the team's own folder: any Markdown, a section a heading; without headings, the file is one.
    #[must_use]
    pub fn of_team(stem: &str, text: &str) -> Self {
        let text = text.strip_prefix("+++\n").and_then(|rest| rest.split_once("\n+++\n")).map_or(text, |(_, body)| body);
        let title = text.lines().find_map(|line| line.strip_prefix("# ")).unwrap_or(stem).trim().to_owned();
        let mut parts: Vec<(String, String)> = headed(text).collect();
        let lead: String =
            text.split("\n## ").next().unwrap_or_default().lines().filter(|line| !line.starts_with("# ")).collect::<Vec<_>>().join("\n");
        if !lead.trim().is_empty() && !text.starts_with("## ") {
            parts.insert(0, (title.clone(), lead.trim().to_owned()));
        }
        let mut sections: Vec<Section> = Vec::new();
        for (heading, text) in parts {
            let mut slug: String = heading
                .to_lowercase()
                .chars()
                .map(|c| if c.is_alphanumeric() { c } else { '-' })
                .collect::<String>()
                .trim_matches('-')
                .to_owned();
            if slug.is_empty() || sections.iter().any(|other| other.slug == slug) {
                slug = format!("{slug}-{}", sections.len() + 1);
            }
            sections.push(Section {
                slug,
                heading,
                text,
                sources: vec![format!("your own folder, {stem}.md")],
                errors: Vec::new(),
                versions: None,
                verified_with: Vec::new(),
            });
        }
        Self {
            stem: format!("team-{stem}"),
            title,
            dialects: Vec::new(),
            phases: Vec::new(),
            versions: String::new(),
            verified_with: Vec::new(),
            tags: Vec::new(),
            everyday: String::new(),
            origin: Origin::Team,
            sections,
        }
    }
}

/// A page without its examples: they are tests, and long.
fn without_fences(page: &str) -> String {
    let mut in_fence = false;
    let mut kept = String::new();
    for line in page.lines() {
        let is_mark = line.starts_with("```");
        if is_mark {
            in_fence = !in_fence;
        } else if !in_fence {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept.trim().to_owned()
}

/// Second-level headings with the text below each; a fence hides what looks like one.
fn headed(body: &str) -> impl Iterator<Item = (String, String)> {
    let mut parts: Vec<(String, String)> = Vec::new();
    let mut in_fence = false;
    for line in body.lines() {
        if line.trim_start().starts_with("```") {
            in_fence = !in_fence;
        }
        match (line.strip_prefix("## "), parts.last_mut()) {
            (Some(heading), _) if !in_fence => parts.push((heading.trim().to_owned(), String::new())),
            (_, Some((_, text))) => {
                text.push_str(line);
                text.push('\n');
            }
            (_, None) => {}
        }
    }
    parts.into_iter().map(|(heading, text)| (heading, text.trim().to_owned()))
}

/// `<!-- sources: …; errors: …; versions: … -->` on the line under a heading.
#[derive(Default)]
struct Overrides {
    sources: Vec<String>,
    errors: Vec<String>,
    versions: Option<String>,
    verified_with: Vec<String>,
    rest: String,
}

/// What an override may say.
const OVERRIDES: &[&str] = &["sources", "errors", "versions", "verified_with"];

/// `name: value; name: value`; a semicolon inside of a value is no border.
fn named_parts(comment: &str) -> Vec<(&str, &str)> {
    let mut starts: Vec<(usize, &str)> = Vec::new();
    for name in OVERRIDES {
        for (at, _) in comment.match_indices(&format!("{name}:")) {
            let before = comment.get(..at).unwrap_or_default().trim_end();
            if before.is_empty() || before.ends_with(';') {
                starts.push((at, name));
            }
        }
    }
    starts.sort_unstable();
    let ends = starts.iter().skip(1).map(|(at, _)| *at).chain([comment.len()]);
    let parts = starts.iter().zip(ends).filter_map(|((at, name), end)| Some((*name, comment.get(at + name.len() + 1..end)?)));
    parts.map(|(name, value)| (name, value.trim().trim_end_matches(';').trim())).collect()
}

impl Overrides {
    fn read(text: &str) -> Self {
        let Some((comment, rest)) = text.strip_prefix("<!--").and_then(|after| after.split_once("-->")) else {
            return Self { rest: text.to_owned(), ..Self::default() };
        };
        let mut own = Self { rest: rest.trim().to_owned(), ..Self::default() };
        for (name, value) in named_parts(comment) {
            match name {
                "sources" => own.sources = value.split(" | ").map(|source| source.trim().to_owned()).collect(),
                "errors" => own.errors = value.split(" | ").flat_map(codes).collect(),
                "versions" => own.versions = Some(value.to_owned()),
                "verified_with" => own.verified_with = value.split(" | ").map(|server| server.trim().to_owned()).collect(),
                _ => {}
            }
        }
        own
    }
}

/// `23502, 23505` are two codes; a message with a comma is one message.
fn codes(text: &str) -> Vec<String> {
    let parts: Vec<&str> = text.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
    if parts.iter().all(|part| !part.contains(' ')) { parts.into_iter().map(str::to_owned).collect() } else { vec![text.trim().to_owned()] }
}

/// The document's errors belong to the sections that show them, else to the first.
fn place_errors(errors: &[String], sections: &mut [Section]) {
    for error in errors {
        if sections.iter().any(|section| section.errors.contains(error)) {
            continue;
        }
        let lower = error.to_lowercase();
        let shows = sections.iter().position(|section| section.text.to_lowercase().contains(&lower));
        if let Some(section) = sections.get_mut(shows.unwrap_or(0)) {
            section.errors.push(error.clone());
        }
    }
}
