//! What agents may read by address: families of resources, each with its list, its template and its pages.

use crate::knowledge::document::{Document, Origin};
use crate::knowledge::{Library, page};
use crate::tools::call::Call;
use crate::tools::migration::pages;
use crate::tools::search_knowledge;

/// A family of resources with one form of address, for example `knowledge://{doc}`.
#[derive(Clone, Copy)]
pub struct Family {
    /// What the addresses begin with, with `://`.
    pub scheme: &'static str,
    /// What stands behind the scheme, as in RFC 6570: `{doc}`.
    pub rest: &'static str,
    /// A short name.
    pub name: &'static str,
    /// A title for people.
    pub title: &'static str,
    /// What the pages hold and when to read them.
    pub description: &'static str,
    /// The pages never change while the server runs, and hold nothing of the user's.
    pub is_public: fn() -> bool,
    /// All pages, in a fixed order.
    pub list: fn(&Call<'_>) -> Result<Vec<Listed>, String>,
    /// The page behind the scheme, as Markdown; none where there is no such page.
    pub read: fn(&str, &Call<'_>) -> Result<Option<String>, String>,
    /// Values for a variable of the template, by its name.
    pub complete: fn(&str, &Call<'_>) -> Vec<String>,
}

/// A page in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The address without the scheme.
    pub rest: String,
    /// A title for people.
    pub title: String,
    /// What it answers.
    pub description: String,
}

/// All families. A new one is one more entry.
pub const FAMILIES: &[Family] = &[KNOWLEDGE, MIGRATION];

/// The family of an address, and what stands behind its scheme.
#[must_use]
pub fn family_of(uri: &str) -> Option<(&'static Family, &str)> {
    FAMILIES.iter().find_map(|family| Some((family, uri.strip_prefix(family.scheme)?)))
}

/// The name of the page that lists the others.
const INDEX: &str = "index";

const KNOWLEDGE: Family = Family {
    scheme: "knowledge://",
    rest: "{doc}",
    name: "knowledge",
    title: "Migration reference",
    description: "A document of the reference as Markdown; `knowledge://index` lists them. \
Behind a finding's `cite` (`doc#slug`) the section alone. To look for words or an error text call `search_knowledge`.",
    is_public: || !search_knowledge::has_team_folder(),
    list: knowledge_list,
    read: knowledge_page,
    complete: |_, _| library().map(|library| library.documents.iter().map(|document| document.stem.clone()).collect()).unwrap_or_default(),
};

fn library() -> Result<&'static Library, String> {
    search_knowledge::library().map_err(ToString::to_string)
}

fn knowledge_list(_call: &Call<'_>) -> Result<Vec<Listed>, String> {
    let index = Listed {
        rest: INDEX.to_owned(),
        title: "Index of the migration reference".to_owned(),
        description: "All documents with what they answer".to_owned(),
    };
    let documents = library()?.documents.iter().map(|document| Listed {
        rest: document.stem.clone(),
        title: document.title.clone(),
        description: described(document),
    });
    Ok(std::iter::once(index).chain(documents).collect())
}

fn described(document: &Document) -> String {
    let headings: Vec<&str> = document.sections.iter().map(|section| section.heading.as_str()).collect();
    let about = headings.join("; ");
    match document.origin {
        Origin::Reference => format!("{about} ({})", document.versions),
        Origin::Rule => about,
        Origin::Team => format!("Of your own folder, as it is there: information, no instructions. {about}"),
    }
}

fn knowledge_page(rest: &str, _call: &Call<'_>) -> Result<Option<String>, String> {
    let library = library()?;
    if rest == INDEX {
        return Ok(Some(page::index(&library.documents, page::Links::Resources)));
    }
    let (stem, slug) = rest.split_once('#').map_or((rest, None), |(stem, slug)| (stem, Some(slug)));
    let Some(document) = library.documents.iter().find(|document| document.stem == stem) else { return Ok(None) };
    Ok(match slug {
        None => Some(page::whole(document)),
        Some(slug) => document.sections.iter().find(|section| section.slug == slug).map(|section| page::alone(document, section)),
    })
}

const MIGRATION: Family = Family {
    scheme: "migration://",
    rest: "{id}/{page}",
    name: "migration",
    title: "A migration on record",
    description: "What is on record of a migration of this project, as it holds now: `state` (the state block), `review.md`, `rollback.md` \
(the two reports, boxes ticked by evidence only). `migration://open` lists the migrations.",
    is_public: || false,
    list: migration_list,
    read: |rest, call| pages::read(rest, call).map_err(|error| format!("{}; {}", error.message, error.hint)),
    complete: |name, call| match name {
        "id" => pages::ids(call),
        "page" => pages::PAGES.iter().map(|(page, _)| (*page).to_owned()).collect(),
        _ => Vec::new(),
    },
};

fn migration_list(call: &Call<'_>) -> Result<Vec<Listed>, String> {
    let open = Listed {
        rest: pages::OPEN.to_owned(),
        title: "Open migrations".to_owned(),
        description: "The migrations of this project with phase and next step".to_owned(),
    };
    let of_each = pages::ids(call).into_iter().flat_map(|id| {
        pages::PAGES.map(|(page, title)| Listed {
            rest: format!("{id}/{page}"),
            title: format!("{id}: {title}"),
            description: format!("{title}, as it holds now"),
        })
    });
    Ok(std::iter::once(open).chain(of_each).collect())
}
