//! `keys`: looking after the keys of a book's people.

use client::Node;
use host::{Folder, make_identity, read_identity};
use schemas::text::BookName;
use terminal::{Output, View, text};

use crate::cli::KeysCommand;
use crate::exit::Failure;

/// Runs `keys`.
///
/// # Errors
/// [`Failure`]: no such book, keys in use, a file that is no copy or is there already, damage.
pub fn run(
    command: &KeysCommand,
    folder: &Folder,
    book: &BookName,
    output: &Output,
) -> Result<(), Failure> {
    let document = match command {
        KeysCommand::Status => {
            let counts = folder.count_keys(book)?;
            Node::object([
                ("book", Node::of(&book.as_str())),
                ("keys", Node::of(&folder.keys(book).display().to_string())),
                ("master_key", Node::of(&folder.master_key(book).display().to_string())),
                ("live", Node::of(&counts.live)),
                ("destroyed", Node::of(&counts.destroyed)),
                ("damaged", Node::of(&counts.damaged)),
            ])
        }
        KeysCommand::Backup(args) => {
            let copied = folder.backup_keys(book, &args.to, &args.recipients)?;
            Node::object([
                ("book", Node::of(&book.as_str())),
                ("path", Node::of(&args.to.display().to_string())),
                ("keys", Node::of(&copied)),
                ("sealed_for", Node::of(&args.recipients.len())),
            ])
        }
        KeysCommand::Restore(args) => {
            let identity = args.identity.as_deref().map(read_identity).transpose()?;
            let restored =
                folder.restore_keys(book, &args.from, identity.as_ref(), args.master.as_deref())?;
            Node::object([
                ("book", Node::of(&book.as_str())),
                ("added", Node::of(&restored.added)),
                ("mended", Node::of(&restored.mended)),
                ("destroyed_since", Node::of(&restored.destroyed)),
                ("destroyed_here", Node::of(&restored.destroyed_here)),
                ("erased", Node::of(&restored.erased)),
            ])
        }
        KeysCommand::Init => {
            folder.init_keys(book)?;
            Node::object([
                ("book", Node::of(&book.as_str())),
                ("keys", Node::of(&folder.keys(book).display().to_string())),
                ("master_key", Node::of(&folder.master_key(book).display().to_string())),
                ("note", Node::of(&"what was sealed before stays unreadable")),
            ])
        }
        KeysCommand::Rotate => {
            let wrapped = folder.rotate_keys(book)?;
            Node::object([
                ("book", Node::of(&book.as_str())),
                ("keys", Node::of(&wrapped)),
                ("master_key", Node::of(&folder.master_key(book).display().to_string())),
            ])
        }
        KeysCommand::Identity { file } => return Ok(text(&make_identity(file)?.to_string())?),
    };
    Ok(output.document(View::Any, &document)?)
}
