//! `book`: makes and lists books.

use crate::cli::BookCommand;
use crate::door::RemoteDoor;
use crate::exit::Failure;
use crate::folder::Folder;
use crate::host::{Host, Role};
use crate::output::{Node, Output, View};
use schemas::text::{Actor, BookName};

/// Runs `book`.
///
/// # Errors
/// [`Failure`]: a book of this name is there, or the folder cannot be used.
pub fn run(
    command: &BookCommand,
    folder: &Folder,
    actor: &Actor,
    output: &Output,
) -> Result<(), Failure> {
    match command {
        BookCommand::Create { name, test_clock } => {
            let running = RemoteDoor::connect(folder, name, actor)?.is_some();
            let host = Host::new(folder.clone(), Role::gateway())?;
            host.create(name, *test_clock)?;
            host.close();
            if running {
                crate::talk::say("billfold: the running process opens the book within seconds");
            }
            list(folder, std::slice::from_ref(name), output)
        }
        BookCommand::List => list(folder, &folder.books()?, output),
    }
}

fn list(folder: &Folder, books: &[BookName], output: &Output) -> Result<(), Failure> {
    let mut rows = Vec::new();
    for book in books {
        let mut reader = folder.reader(book)?;
        let head = reader.durable_head().map_err(crate::folder::damaged)?;
        rows.push(Node::object([
            ("book", Node::of(book)),
            ("position", Node::of(&head.last_position().unwrap_or(0))),
            ("log", Node::of(&reader.identity().log().to_string())),
        ]));
    }
    output.document(View::Any, &Node::page(rows))
}
