//! Which fields of commands and events are personal, and whose key seals each.
//!
//! # Shape
//!
//! [`Command::personal`] and [`Event::personal`] show every such field to a visitor. A record
//! that gets one gets a line here; a test finds those without.

use serde::{Deserialize, Serialize};

use crate::command::{
    AddCharge, AnnotateInvoice, ChargeInvoice, Command, EraseCustomer, GrantCredit, InvoiceNow,
    InvoiceRequest, PayOutCredit, RefundPayment, RegisterCustomer, ReversePayment, RevokeCredit,
    UpdateCustomer, VoidInvoice,
};
use crate::event::{
    ChargeAdded, CreditGranted, CreditNoteIssued, CreditNoteLinesDrafted, CreditPaidOut,
    CreditRevoked, CustomerAddressChanged, CustomerEmailChanged, CustomerErased,
    CustomerRegistered, CustomerRenamed, CustomerTaxIdsChanged, DocumentsErased, Event,
    InvoiceAnnotated, InvoiceFinalized, InvoiceLinesDrafted, InvoiceVoided, PaymentRefunded,
    PaymentReversed,
};
use crate::party::{Address, TaxId};
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

/// Shows a text of each of these records, if the union is one of them.
macro_rules! texts {
    ($union:ident, $visit:ident, $($record:ident.$field:ident)*) => {$(
        if let Some(record) = $union.get_mut::<$record>() {
            $visit(Field::Document(&mut record.$field));
        }
    )*};
}

fn contacts<'a>(contacts: impl IntoIterator<Item = &'a mut Contact>, visit: Visit<'_>) {
    contacts.into_iter().for_each(|contact| visit(Field::Contact(contact)));
}

fn addressed(address: &mut Option<Address<Contact>>, visit: Visit<'_>) {
    contacts(address.iter_mut().flat_map(Address::texts_mut), visit);
}

fn numbered<'a>(tax_ids: impl IntoIterator<Item = &'a mut TaxId<Contact>>, visit: Visit<'_>) {
    contacts(tax_ids.into_iter().map(|tax_id| &mut tax_id.value), visit);
}

fn memo(request: Option<&mut InvoiceRequest>, visit: Visit<'_>) {
    if let Some(memo) = request.and_then(|request| request.memo.as_mut()) {
        visit(Field::Document(memo));
    }
}

impl Command {
    /// Shows every personal field to `visit`.
    pub fn personal(&mut self, visit: Visit<'_>) {
        texts!(self, visit, AddCharge.description VoidInvoice.reason ReversePayment.reason
            RefundPayment.reason GrantCredit.reason RevokeCredit.reason PayOutCredit.reason
            EraseCustomer.reason);
        if let Some(command) = self.get_mut::<RegisterCustomer>() {
            contacts([&mut command.name].into_iter().chain(&mut command.email), visit);
            addressed(&mut command.address, visit);
            numbered(command.tax_ids.iter_mut().flatten(), visit);
        } else if let Some(command) = self.get_mut::<UpdateCustomer>() {
            contacts(command.name.iter_mut().chain(&mut command.email), visit);
            addressed(&mut command.address, visit);
            numbered(command.tax_ids.iter_mut().flatten(), visit);
        } else if let Some(command) = self.get_mut::<AnnotateInvoice>() {
            command.memo.iter_mut().for_each(|memo| visit(Field::Document(memo)));
        } else if let Some(command) = self.get_mut::<InvoiceNow>() {
            memo(command.invoice.as_mut(), visit);
        } else if let Some(command) = self.get_mut::<AddCharge>() {
            memo(
                match &mut command.invoice {
                    Some(ChargeInvoice::Now(request)) => Some(request),
                    Some(ChargeInvoice::Next) | None => None,
                },
                visit,
            );
        }
    }
}

impl Event {
    /// Shows every personal field to `visit`.
    pub fn personal(&mut self, visit: Visit<'_>) {
        texts!(self, visit, ChargeAdded.description InvoiceVoided.reason PaymentReversed.reason
            PaymentRefunded.reason CreditGranted.reason CreditRevoked.reason CreditPaidOut.reason
            CustomerErased.reason);
        if let Some(event) = self.get_mut::<CustomerRegistered>() {
            contacts([&mut event.name].into_iter().chain(&mut event.email), visit);
            addressed(&mut event.address, visit);
            numbered(&mut event.tax_ids, visit);
        } else if let Some(event) = self.get_mut::<CustomerRenamed>() {
            visit(Field::Contact(&mut event.name));
        } else if let Some(event) = self.get_mut::<CustomerEmailChanged>() {
            contacts(&mut event.email, visit);
        } else if let Some(event) = self.get_mut::<CustomerAddressChanged>() {
            addressed(&mut event.address, visit);
        } else if let Some(event) = self.get_mut::<CustomerTaxIdsChanged>() {
            numbered(&mut event.tax_ids, visit);
        } else if let Some(event) = self.get_mut::<InvoiceAnnotated>() {
            event.memo.iter_mut().for_each(|memo| visit(Field::Document(memo)));
        } else if let Some(invoice) = self.get_mut::<InvoiceFinalized>() {
            let texts = invoice.bill_to.texts_mut().chain(&mut invoice.memo);
            let texts = texts.chain(invoice.lines.iter_mut().map(|line| &mut line.description));
            texts.for_each(|text| visit(Field::Document(text)));
        } else if let Some(drafted) = self.get_mut::<InvoiceLinesDrafted>() {
            let texts = drafted.lines.iter_mut().map(|line| &mut line.description);
            texts.for_each(|text| visit(Field::Document(text)));
        } else if let Some(note) = self.get_mut::<CreditNoteIssued>() {
            let texts = note.credits.iter_mut().map(|line| &mut line.description);
            texts.for_each(|text| visit(Field::Document(text)));
        } else if let Some(drafted) = self.get_mut::<CreditNoteLinesDrafted>() {
            let texts = drafted.credits.iter_mut().map(|line| &mut line.description);
            texts.for_each(|text| visit(Field::Document(text)));
        }
    }
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
    pub fn erases(&self) -> Option<Erasure> {
        if let Some(erased) = self.get::<CustomerErased>() {
            return Some(erased.extent());
        }
        self.get::<DocumentsErased>().map(|_| Erasure::All)
    }
}

impl CustomerErased {
    /// What became unreadable at once.
    pub const fn extent(&self) -> Erasure {
        if self.documents_until.is_some() { Erasure::Own } else { Erasure::All }
    }
}
