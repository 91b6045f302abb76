//! Documents as Markdown pages, and the page that lists them.

use std::fmt::Write as _;

use crate::knowledge::document::{Document, Origin, Section};
use crate::knowledge::owner;

/// Where the index points to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Links {
    /// To the files beside it: documents of the reference only.
    Files,
    /// To resources of the server: all documents.
    Resources,
}

/// A document with all its sections.
#[must_use]
pub fn whole(document: &Document) -> String {
    let mut text = head(document);
    for section in &document.sections {
        text.push_str(&body(document, section));
    }
    text
}

/// One section under the title of its document.
#[must_use]
pub fn alone(document: &Document, section: &Section) -> String {
    head(document) + &body(document, section)
}

/// The documents in a table, by title, with what they hold.
#[must_use]
pub fn index(documents: &[Document], links: Links) -> String {
    let mut text = String::from(
        "# The migration reference\n\n\
         What a change locks, rewrites and loses, how to do it without downtime, and what an error means: per dialect and version, \
         with sources. Agents search it with `search_knowledge`; an id is `document#section`.\n",
    );
    for (origin, heading) in [(Origin::Reference, "Documents"), (Origin::Rule, "Rules"), (Origin::Team, "Your own folder")] {
        let mut of_it: Vec<&Document> = documents.iter().filter(|document| document.origin == origin).collect();
        of_it.sort_by_key(|document| &document.stem);
        if of_it.is_empty() || (links == Links::Files && origin != Origin::Reference) {
            continue;
        }
        let _ = write!(text, "\n## {heading}\n\n| document | title | dialects | phases | sections |\n|---|---|---|---|---|\n");
        for document in of_it {
            text.push_str(&row(document, links));
        }
    }
    text
}

fn row(document: &Document, links: Links) -> String {
    let stem = &document.stem;
    let link = match links {
        Links::Files => format!("{stem}.md"),
        Links::Resources => format!("knowledge://{stem}"),
    };
    let sections: Vec<&str> = document.sections.iter().map(|section| section.slug.as_str()).collect();
    format!(
        "| [{stem}]({link}) | {} | {} | {} | {} |\n",
        cell(&document.title),
        any(&document.dialects),
        any(&document.phases),
        cell(&sections.join(", "))
    )
}

fn any(words: &[String]) -> String {
    if words.is_empty() { "any".to_owned() } else { words.join(", ") }
}

/// A bar would end the cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

fn head(document: &Document) -> String {
    let mut text = format!("# {}\n\n", document.title);
    if document.origin == Origin::Team {
        let _ = write!(text, "Whose: {}\n\n", owner(document.origin));
    }
    if !document.versions.is_empty() {
        let _ = write!(text, "Holds for {}: {}.", any(&document.dialects), document.versions);
        if !document.verified_with.is_empty() {
            let _ = write!(text, " Run on {}.", document.verified_with.join(", "));
        }
        text.push_str("\n\n");
    }
    text
}

fn body(document: &Document, section: &Section) -> String {
    let mut text = format!("## {}\n\n{}\n\n", section.heading, section.text);
    let _ = write!(text, "Id: `{}#{}`", document.stem, section.slug);
    if let Some(versions) = &section.versions {
        let _ = write!(text, " · versions: {versions}");
    }
    let _ = write!(text, " · source: {}\n\n", section.sources.join("; "));
    text
}
