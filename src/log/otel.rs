//! Spans for an OpenTelemetry collector: OTLP as JSON over HTTP, named by the variables that its specification names.

use std::borrow::Cow;
use std::time::Duration;

use opentelemetry::trace::{Status, TracerProvider as _};
use opentelemetry::{Array, KeyValue, StringValue, Value};
use opentelemetry_otlp::{Protocol, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanExporter};
use tracing::Subscriber;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{EnvFilter, Layer};

use crate::secret::redacted;

/// Where the collector listens; without either of them nothing is sent.
const ENDPOINT_VARIABLES: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];
/// Spans of our own: those of libraries say nothing of a migration.
const FILTER: &str = "off,alembic_gate=debug";
/// A collector that does not answer delays our end by no more.
const LAST_WORDS: Duration = Duration::from_millis(300);

/// Spans on their way; what waits is sent when it goes.
#[derive(Debug)]
pub(super) struct Spans {
    provider: SdkTracerProvider,
}

impl Drop for Spans {
    fn drop(&mut self) {
        if let Err(error) = self.provider.shutdown_with_timeout(LAST_WORDS) {
            tracing::warn!(%error, "the last spans did not reach the collector");
        }
    }
}

/// The layer that sends spans, where a collector is named; or why it cannot.
pub(super) fn layer<S>() -> Result<Option<(impl Layer<S> + Send + Sync, Spans)>, String>
where
    S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
{
    if ENDPOINT_VARIABLES.iter().all(|name| std::env::var_os(name).is_none_or(|value| value.is_empty())) {
        return Ok(None);
    }
    let client = opentelemetry_otlp::SpanExporter::builder().with_http().with_protocol(Protocol::HttpJson);
    let exporter = client.build().map_err(|error| error.to_string())?;
    let named = std::env::var("OTEL_SERVICE_NAME").ok().filter(|name| !name.is_empty());
    let resource = Resource::builder().with_service_name(named.unwrap_or_else(|| "alembic-gate".to_owned())).build();
    let provider = SdkTracerProvider::builder().with_batch_exporter(Discreet { to: exporter }).with_resource(resource).build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("alembic-gate")).with_filter(EnvFilter::new(FILTER));
    Ok(Some((layer, Spans { provider })))
}

/// Hides secrets in what is sent.
#[derive(Debug)]
struct Discreet<E> {
    to: E,
}

impl<E: SpanExporter> SpanExporter for Discreet<E> {
    async fn export(&self, mut batch: Vec<SpanData>) -> OTelSdkResult {
        for span in &mut batch {
            hide(&mut span.attributes);
            for event in &mut span.events.events {
                event.name = Cow::Owned(redacted(&event.name));
                hide(&mut event.attributes);
            }
            if let Status::Error { description } = &mut span.status {
                *description = Cow::Owned(redacted(description));
            }
        }
        self.to.export(batch).await
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.to.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.to.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.to.set_resource(resource);
    }
}

fn hide(attributes: &mut [KeyValue]) {
    let hidden = |text: &StringValue| StringValue::from(redacted(text.as_str()));
    for attribute in attributes {
        match &mut attribute.value {
            Value::String(text) => *text = hidden(text),
            Value::Array(Array::String(texts)) => texts.iter_mut().for_each(|text| *text = hidden(text)),
            _ => {}
        }
    }
}
