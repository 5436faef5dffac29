//! The attributes [`macro@streaming_client`] and [`macro@output_client`] of
//! [actorstream](https://docs.rs/actorstream), which re-exports them.

use proc_macro::TokenStream;
use quote::quote;
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, Error, GenericArgument, Generics, Path, PathArguments, Token, Type};

/// Put this above an `impl StreamingClient<E> for MyActor` to make the actor's address a valid target of a stream.
///
/// The impl itself is unchanged. The attribute adds an `actix::Handler` for the messages of such streams, and the
/// marker trait that makes `Addr<MyActor>` a target. An actor may have several such impls, one for each event type.
///
/// `#[streaming_client(crate = path)]` sets the path of the `actorstream` crate, if it is re-exported.
#[proc_macro_attribute]
pub fn streaming_client(arguments: TokenStream, item: TokenStream) -> TokenStream {
    add_glue(
        arguments,
        item,
        &Kind { attribute: "streaming_client", client: "StreamingClient", dispatch: "dispatch" },
    )
}

/// Put this above an `impl OutputClient<E> for MyActor` to make the actor's address a valid target of a stream, like
/// [`macro@streaming_client`] for a `StreamingClient`.
#[proc_macro_attribute]
pub fn output_client(arguments: TokenStream, item: TokenStream) -> TokenStream {
    add_glue(
        arguments,
        item,
        &Kind { attribute: "output_client", client: "OutputClient", dispatch: "dispatch_output" },
    )
}

/// The differences between the attributes.
struct Kind {
    attribute: &'static str,
    /// The implemented trait.
    client: &'static str,
    /// The method of a message that calls it.
    dispatch: &'static str,
}

fn add_glue(arguments: TokenStream, item: TokenStream, kind: &Kind) -> TokenStream {
    let item: proc_macro2::TokenStream = item.into();
    let glue = expand(arguments.into(), item.clone(), kind).unwrap_or_else(Error::into_compile_error);
    quote!(#item #glue).into()
}

fn expand(
    arguments: proc_macro2::TokenStream,
    item: proc_macro2::TokenStream,
    kind: &Kind,
) -> Result<proc_macro2::TokenStream, Error> {
    let krate = if arguments.is_empty() {
        quote!(::actorstream)
    } else {
        let renamed: syn::MetaNameValue = syn::parse2(arguments)?;
        if !renamed.path.is_ident("crate") {
            return Err(Error::new_spanned(renamed.path, "the only argument is `crate = path`"));
        }
        let path = renamed.value;
        quote!(#path)
    };
    let item: ImplHead = syn::parse2(item)?;
    let actor = &item.self_ty;
    let event = event(&item, kind)?;
    let dispatch = syn::Ident::new(kind.dispatch, proc_macro2::Span::call_site());
    let (generics, _, clause) = item.generics.split_for_impl();
    let predicates: Vec<_> = clause.iter().flat_map(|clause| &clause.predicates).collect();
    let bounds = quote! {
        where
            #(#predicates,)*
            Self: ::core::marker::Sized + ::core::marker::Unpin + 'static,
    };
    Ok(quote! {
        impl #generics #krate::actix::Handler<#krate::StreamMessage<#event>> for #actor #bounds {
            type Result = ();

            fn handle(&mut self, message: #krate::StreamMessage<#event>, context: &mut Self::Context) {
                message.#dispatch(self, context);
            }
        }

        impl #generics #krate::ReceiveStream<#event> for #actor #bounds {
            fn recipient(
                address: #krate::actix::Addr<Self>,
            ) -> #krate::actix::Recipient<#krate::StreamMessage<#event>> {
                address.recipient()
            }
        }
    })
}

/// An `impl` up to its body: with less of Rust's syntax, syn compiles in half the time.
struct ImplHead {
    generics: Generics,
    /// The implemented trait, unless the impl is inherent.
    trait_path: Option<Path>,
    self_ty: Type,
}

impl Parse for ImplHead {
    fn parse(input: ParseStream<'_>) -> Result<Self, Error> {
        input.call(Attribute::parse_outer)?;
        input.parse::<Option<Token![unsafe]>>()?;
        input.parse::<Token![impl]>()?;
        let mut generics: Generics = input.parse()?;
        let first: Type = input.parse()?;
        let (trait_path, self_ty) = match (input.parse::<Option<Token![for]>>()?, first) {
            (Some(_), Type::Path(path)) if path.qself.is_none() => (Some(path.path), input.parse()?),
            (Some(_), other) => return Err(Error::new_spanned(other, "expected a trait")),
            (None, inherent) => (None, inherent),
        };
        generics.where_clause = input.parse()?;
        input.parse::<proc_macro2::TokenStream>()?;
        Ok(Self { generics, trait_path, self_ty })
    }
}

/// The `E` of `impl StreamingClient<E> for …`.
fn event<'a>(item: &'a ImplHead, kind: &Kind) -> Result<&'a Type, Error> {
    let usage = format!("#[{}] goes above `impl {}<Event> for Actor`", kind.attribute, kind.client);
    let Some(path) = &item.trait_path else {
        return Err(Error::new_spanned(&item.self_ty, usage));
    };
    let last = path.segments.last().filter(|last| last.ident == kind.client);
    let Some(PathArguments::AngleBracketed(arguments)) = last.map(|last| &last.arguments) else {
        return Err(Error::new_spanned(path, usage));
    };
    match arguments.args.first() {
        Some(GenericArgument::Type(event)) if arguments.args.len() == 1 => Ok(event),
        _ => Err(Error::new_spanned(path, usage)),
    }
}
