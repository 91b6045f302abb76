//! The families of resources as the protocol lists and reads them.

use rmcp::ErrorData;
use rmcp::model::{
    CacheScope, ListResourceTemplatesResult, ListResourcesResult, PaginatedRequestParams, ReadResourceResult, Resource, ResourceContents,
    ResourceTemplate,
};

use crate::mcp::{LASTING_MS, page_of};
use crate::tools::answer::clipped;
use crate::tools::call::Call;
use crate::tools::resources::{FAMILIES, Family, family_of};

const MARKDOWN: &str = "text/markdown";

/// What may be kept: pages that never change by anyone for an hour, the others by nobody.
fn keeping(is_public: bool) -> (u64, CacheScope) {
    if is_public { (LASTING_MS, CacheScope::Public) } else { (0, CacheScope::Private) }
}

/// A page of all resources of all families.
///
/// # Errors
/// A cursor that is none; a family that cannot be listed.
pub fn list(call: &Call<'_>, request: Option<&PaginatedRequestParams>) -> Result<ListResourcesResult, ErrorData> {
    let mut all = Vec::new();
    for family in FAMILIES {
        let pages = (family.list)(call).map_err(|why| unusable(family, &why))?;
        all.extend(pages.into_iter().map(|page| {
            Resource::new(format!("{}{}", family.scheme, page.rest), page.rest)
                .with_title(page.title)
                .with_description(clipped(&page.description, 240))
                .with_mime_type(MARKDOWN)
        }));
    }
    let (resources, next_cursor) = page_of(all, request)?;
    let (ttl_ms, scope) = keeping(FAMILIES.iter().all(|family| (family.is_public)()));
    let mut result = ListResourcesResult::with_all_items(resources).with_ttl_ms(ttl_ms).with_cache_scope(scope);
    result.next_cursor = next_cursor;
    Ok(result)
}

/// The forms of addresses.
///
/// # Errors
/// A cursor that is none.
pub fn templates(request: Option<&PaginatedRequestParams>) -> Result<ListResourceTemplatesResult, ErrorData> {
    let all = FAMILIES.iter().map(|family| {
        ResourceTemplate::new(format!("{}{}", family.scheme, family.rest), family.name)
            .with_title(family.title)
            .with_description(family.description)
            .with_mime_type(MARKDOWN)
    });
    let (templates, next_cursor) = page_of(all.collect(), request)?;
    let mut result = ListResourceTemplatesResult::with_all_items(templates).with_ttl_ms(LASTING_MS).with_cache_scope(CacheScope::Public);
    result.next_cursor = next_cursor;
    Ok(result)
}

/// One page.
///
/// # Errors
/// There is none at this address; the family cannot be read.
pub fn read(call: &Call<'_>, uri: &str) -> Result<ReadResourceResult, ErrorData> {
    let Some((family, rest)) = family_of(uri) else {
        let forms: Vec<String> = FAMILIES.iter().map(|family| format!("`{}{}`", family.scheme, family.rest)).collect();
        return Err(missing(uri, &format!("addresses have the form {}", forms.join(" or "))));
    };
    let Some(text) = (family.read)(rest, call).map_err(|why| unusable(family, &why))? else {
        return Err(missing(uri, "`resources/list` names all, `search_knowledge` finds by words"));
    };
    let (ttl_ms, scope) = keeping((family.is_public)());
    let contents = vec![ResourceContents::text(text, uri).with_mime_type(MARKDOWN)];
    Ok(ReadResourceResult::new(contents).with_ttl_ms(ttl_ms).with_cache_scope(scope))
}

fn missing(uri: &str, hint: &str) -> ErrorData {
    let uri = clipped(uri, 200);
    ErrorData::resource_not_found(format!("there is no resource `{uri}`; {hint}"), Some(serde_json::json!({ "uri": uri })))
}

fn unusable(family: &Family, why: &str) -> ErrorData {
    ErrorData::internal_error(format!("`{}` could not be read: {why}", family.scheme), None)
}
