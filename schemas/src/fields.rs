//! Which fields of commands and events are personal, and whose key seals each.
//!
//! # Shape
//!
//! [`Command::personal`] and [`Event::personal`] show every such field to a visitor. A record
//! that gets one gets a line here; tests find those without.

use serde::{Deserialize, Serialize};

use crate::command::{BillingCommand, Command, CustomerCommand, SettlementCommand};
use crate::event::{BillingEvent, CustomerEvent, Event, SettlementEvent};
use crate::personal::{Contact, Personal};

/// A personal field of a record, and whose key seals it.
#[derive(Debug)]
pub enum Field<'a> {
    /// Sealed under the customer's own key and under that of its documents.
    Contact(&'a mut Contact),
    /// What a document says, or why it was issued or taken back: sealed under the key of the
    /// customer's documents.
    Document(&'a mut Personal),
}

impl Field<'_> {
    /// Whether it stands for a text that could not be sealed.
    pub const fn is_void(&self) -> bool {
        match self {
            Self::Contact(contact) => contact.is_void(),
            Self::Document(text) => text.is_void(),
        }
    }

    /// Leaves nothing but that a text was there.
    pub fn blank(self) {
        match self {
            Self::Contact(contact) => *contact = Contact::Clear(String::new()),
            Self::Document(text) => *text = Personal::Clear(String::new()),
        }
    }
}


/// Looks at a personal field, and may seal it.
pub type Visit<'a> = &'a mut dyn FnMut(Field<'_>);

/// What a record looks like when its personal texts are left out: what of two records can be
/// compared without opening them.
pub trait Blank: Sized {
    /// The same without the texts.
    #[must_use]
    fn blank(self) -> Self;
}

impl Blank for Command {
    fn blank(mut self) -> Self {
        self.personal(&mut |field| field.blank());
        self
    }
}

impl Blank for Event {
    fn blank(mut self) -> Self {
        self.personal(&mut |field| field.blank());
        self
    }
}

impl Command {
    /// Shows every personal field to `visit`.
    pub fn personal(&mut self, visit: Visit<'_>) {
        if let Self::Customer(command) = self {
            of_customer(command, visit);
        } else if let Self::Settlement(command) = self {
            of_settlement(command, visit);
        } else if let Self::Billing(BillingCommand::AddCharge(charge)) = self {
            visit(Field::Document(&mut charge.description));
        }
    }
}

fn of_customer(command: &mut CustomerCommand, visit: Visit<'_>) {
    let (name, email) = match command {
        CustomerCommand::RegisterCustomer(command) => {
            (Some(&mut command.name), command.email.as_mut())
        }
        CustomerCommand::UpdateCustomer(command) => {
            (command.name.as_mut(), command.email.as_mut())
        }
        CustomerCommand::EraseCustomer(command) => {
            return visit(Field::Document(&mut command.reason));
        }
        CustomerCommand::ReleaseCustomer(_) | CustomerCommand::EraseDocuments(_) => return,
    };
    for contact in name.into_iter().chain(email) {
        visit(Field::Contact(contact));
    }
}

fn of_settlement(command: &mut SettlementCommand, visit: Visit<'_>) {
    let reason = match command {
        SettlementCommand::VoidInvoice(command) => &mut command.reason,
        SettlementCommand::ReversePayment(command) => &mut command.reason,
        SettlementCommand::RefundPayment(command) => &mut command.reason,
        SettlementCommand::GrantCredit(command) => &mut command.reason,
        SettlementCommand::RecordPayment(_) | SettlementCommand::IssueCreditNote(_) => return,
    };
    visit(Field::Document(reason));
}

/// What of a customer an erasure makes unreadable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Erasure {
    /// Everything but what its documents say.
    Own,
    /// That, too.
    All,
}

impl Event {
    /// What of the stream's customer can be read by nobody once this is so.
    pub const fn erases(&self) -> Option<Erasure> {
        match self {
            Self::Customer(CustomerEvent::CustomerErased(erased)) => {
                Some(if erased.documents_until.is_some() { Erasure::Own } else { Erasure::All })
            }
            Self::Customer(CustomerEvent::DocumentsErased(_)) => Some(Erasure::All),
            Self::Customer(_)
            | Self::Book(_)
            | Self::Seller(_)
            | Self::Catalog(_)
            | Self::Process(_)
            | Self::Subscription(_)
            | Self::Billing(_)
            | Self::Settlement(_) => None,
        }
    }

    /// Shows every personal field to `visit`.
    pub fn personal(&mut self, visit: Visit<'_>) {
        if let Self::Customer(event) = self {
            about_customer(event, visit);
        } else if let Self::Settlement(event) = self {
            about_settlement(event, visit);
        } else if let Self::Billing(event) = self {
            about_billing(event, visit);
        }
    }
}

fn about_customer(event: &mut CustomerEvent, visit: Visit<'_>) {
    match event {
        CustomerEvent::CustomerRegistered(event) => {
            visit(Field::Contact(&mut event.name));
            event.email.iter_mut().for_each(|email| visit(Field::Contact(email)));
        }
        CustomerEvent::CustomerRenamed(event) => visit(Field::Contact(&mut event.name)),
        CustomerEvent::CustomerEmailChanged(event) => visit(Field::Contact(&mut event.email)),
        CustomerEvent::CustomerErased(event) => visit(Field::Document(&mut event.reason)),
        CustomerEvent::DocumentsErased(_)
        | CustomerEvent::CustomerParked(_)
        | CustomerEvent::CustomerReleased(_)
        | CustomerEvent::CustomerTermsChanged(_)
        | CustomerEvent::CustomerExternalIdChanged(_) => {}
    }
}

fn about_settlement(event: &mut SettlementEvent, visit: Visit<'_>) {
    let reason = match event {
        SettlementEvent::InvoiceVoided(event) => &mut event.reason,
        SettlementEvent::PaymentReversed(event) => &mut event.reason,
        SettlementEvent::PaymentRefunded(event) => &mut event.reason,
        SettlementEvent::CreditGranted(event) => &mut event.reason,
        SettlementEvent::CreditNoteIssued(_) | SettlementEvent::PaymentRecorded(_) => return,
    };
    visit(Field::Document(reason));
}

fn about_billing(event: &mut BillingEvent, visit: Visit<'_>) {
    match event {
        BillingEvent::ChargeAdded(charge) => visit(Field::Document(&mut charge.description)),
        BillingEvent::InvoiceFinalized(invoice) => {
            visit(Field::Document(&mut invoice.bill_to.name));
            invoice.bill_to.email.iter_mut().for_each(|email| visit(Field::Document(email)));
            for line in &mut invoice.lines {
                visit(Field::Document(&mut line.description));
            }
        }
    }
}
