-- The sample shop: what tools.py reads into memory when it is loaded. All names and addresses are made up.
-- shipped_on: left the warehouse, or will; due_on: expected at the door; closed_on: delivered, refunded or cancelled.
CREATE TABLE orders (
    id         TEXT PRIMARY KEY,
    email      TEXT NOT NULL,
    items      TEXT NOT NULL,
    total_eur  TEXT NOT NULL,
    ordered_on TEXT NOT NULL,
    status     TEXT NOT NULL CHECK (status IN ('packing', 'shipped', 'delayed', 'delivered', 'refunded', 'cancelled')),
    carrier    TEXT NOT NULL,
    shipped_on TEXT,
    due_on     TEXT,
    closed_on  TEXT
);

CREATE TABLE returns (
    order_id   TEXT PRIMARY KEY REFERENCES orders (id),
    started_on TEXT NOT NULL
);

CREATE TABLE tickets (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    message TEXT NOT NULL,
    guess   TEXT,
    draft   TEXT
);
INSERT INTO sqlite_sequence (name, seq) VALUES ('tickets', 1000);  -- so the first ticket is T-1001

INSERT INTO orders (id, email, items, total_eur, ordered_on, status, carrier, shipped_on, due_on, closed_on) VALUES
    ('1004', 'mara.lind@example.com', '1 x Tarn two-person tent', '289.00', '2026-01-04', 'delivered', 'Parcelway', '2026-01-05', '2026-01-08', '2026-01-08'),
    ('1005', 'j.okafor@example.org', '1 x Cairn 45 l backpack', '149.00', '2026-01-05', 'refunded', 'Parcelway', '2026-01-07', '2026-01-10', '2026-01-26'),
    ('1006', 'teo.brandt@example.net', '3 x merino base layer', '164.70', '2026-01-07', 'delivered', 'Hillpost', '2026-01-08', '2026-01-12', '2026-01-13'),
    ('1007', 'sofia.reyes@example.com', '1 x head torch, 2 x spare battery', '61.80', '2026-01-08', 'cancelled', 'Parcelway', NULL, NULL, '2026-01-08'),
    ('1008', 'nils.aho@example.org', '1 x Scree mid boots size 43', '169.00', '2026-01-10', 'delivered', 'Parcelway', '2026-01-12', '2026-01-15', '2026-01-15'),
    ('1009', 'priya.nair@example.com', '2 x trekking pole', '79.80', '2026-01-11', 'delivered', 'Hillpost', '2026-01-13', '2026-01-16', '2026-01-19'),
    ('1010', 'owen.hale@example.net', '1 x Down parka size L', '259.00', '2026-01-13', 'refunded', 'Parcelway', '2026-01-14', '2026-01-17', '2026-02-06'),
    ('1011', 'lea.martin@example.com', '1 x camping stove', '54.90', '2026-01-15', 'delivered', 'Roadrunner Freight', '2026-01-19', '2026-01-24', '2026-01-23'),
    ('1012', 'k.yamada@example.org', '4 x tent peg set', '35.60', '2026-01-16', 'delivered', 'Parcelway', '2026-01-17', '2026-01-20', '2026-01-20'),
    ('1013', 'ana.costa@example.com', '1 x Fell rain jacket size S', '139.00', '2026-01-18', 'cancelled', 'Parcelway', NULL, NULL, '2026-01-19'),
    ('1014', 'peter.novak@example.net', '1 x sleeping mat', '89.00', '2026-01-20', 'delivered', 'Hillpost', '2026-01-21', '2026-01-26', '2026-01-27'),
    ('1015', 'ruth.adler@example.com', '2 x insulated bottle', '57.80', '2026-01-21', 'delivered', 'Parcelway', '2026-01-22', '2026-01-25', '2026-01-26'),
    ('1016', 'sam.dube@example.org', '1 x Scree mid boots size 39, 1 x boot wax', '178.90', '2026-01-23', 'refunded', 'Parcelway', '2026-01-24', '2026-01-27', '2026-02-18'),
    ('1017', 'inga.falk@example.com', '1 x map case', '18.90', '2026-01-25', 'delivered', 'Hillpost', '2026-01-26', '2026-01-30', '2026-01-30'),
    ('1018', 'carlo.bassi@example.net', '1 x Cairn 65 l backpack', '189.00', '2026-01-27', 'delivered', 'Roadrunner Freight', '2026-01-30', '2026-02-04', '2026-02-04'),
    ('1019', 'emily.ross@example.com', '6 x dried chili meal', '47.40', '2026-01-28', 'delivered', 'Parcelway', '2026-01-29', '2026-02-01', '2026-02-02'),
    ('1020', 'tom.vance@example.org', '1 x child carrier', '229.00', '2026-01-30', 'delivered', 'Roadrunner Freight', '2026-02-03', '2026-02-07', '2026-02-06'),
    ('1021', 'yara.haddad@example.com', '2 x quick-dry towel', '33.80', '2026-02-01', 'delivered', 'Parcelway', '2026-02-02', '2026-02-05', '2026-02-05'),
    ('1022', 'ben.stone@example.net', '1 x Fell rain jacket size M', '139.00', '2026-02-02', 'delivered', 'Parcelway', '2026-02-03', '2026-02-06', '2026-02-06'),
    ('1023', 'hana.kim@example.com', '1 x Down sleeping bag', '219.00', '2026-02-04', 'refunded', 'Hillpost', '2026-02-05', '2026-02-09', '2026-03-02'),
    ('1024', 'max.weber@example.org', '1 x gaiters, 1 x wool hat', '52.80', '2026-02-05', 'delivered', 'Hillpost', '2026-02-06', '2026-02-10', '2026-02-11'),
    ('1025', 'lucy.grant@example.com', '1 x Tarn one-person tent', '239.00', '2026-02-07', 'cancelled', 'Parcelway', NULL, NULL, '2026-02-07'),
    ('1026', 'ivan.petrov@example.net', '2 x carabiner, 1 x 20 m cord', '38.70', '2026-02-09', 'delivered', 'Parcelway', '2026-02-10', '2026-02-13', '2026-02-13'),
    ('1027', 'nora.quinn@example.com', '1 x Brook hiking trousers size 40', '99.00', '2026-02-11', 'delivered', 'Parcelway', '2026-02-12', '2026-02-15', '2026-02-16'),
    ('1028', 'dev.patel@example.org', '1 x solar charger', '119.00', '2026-02-12', 'delivered', 'Hillpost', '2026-02-13', '2026-02-17', '2026-02-18'),
    ('1029', 'clara.munk@example.com', '3 x trail socks, 1 x gift card', '92.00', '2026-02-14', 'delivered', 'Parcelway', '2026-02-16', '2026-02-19', '2026-02-19'),
    ('1030', 'leo.fontaine@example.net', '1 x Scree low shoes size 44', '129.00', '2026-02-15', 'refunded', 'Parcelway', '2026-02-16', '2026-02-19', '2026-03-04'),
    ('1031', 'amy.walsh@example.com', '1 x water filter', '69.00', '2026-02-16', 'delivered', 'Parcelway', '2026-02-17', '2026-02-20', '2026-02-20'),
    ('1032', 'jan.kowal@example.org', '1 x titanium pot, 2 x folding spoon', '64.80', '2026-02-17', 'delivered', 'Hillpost', '2026-02-18', '2026-02-23', '2026-02-23'),
    ('1033', 'fatima.zahra@example.com', '1 x Cairn 30 l backpack', '119.00', '2026-02-18', 'delivered', 'Parcelway', '2026-02-19', '2026-02-22', '2026-02-22'),
    ('1034', 'erik.solberg@example.net', '1 x snowshoes', '179.00', '2026-02-19', 'delayed', 'Roadrunner Freight', '2026-02-23', '2026-03-09', NULL),
    ('1035', 'gail.foster@example.com', '2 x merino base layer', '109.80', '2026-02-20', 'delivered', 'Hillpost', '2026-02-21', '2026-02-25', '2026-02-26'),
    ('1036', 'miguel.soto@example.org', '1 x hiking umbrella', '44.90', '2026-02-21', 'delivered', 'Parcelway', '2026-02-23', '2026-02-26', '2026-02-27'),
    ('1037', 'wendy.cho@example.com', '1 x Fell rain jacket size XL', '139.00', '2026-02-22', 'delivered', 'Parcelway', '2026-02-24', '2026-02-27', '2026-02-27'),
    ('1038', 'oscar.dahl@example.net', '1 x camping table, 2 x camping chair', '157.00', '2026-02-23', 'delayed', 'Roadrunner Freight', '2026-02-27', '2026-03-11', NULL),
    ('1039', 'rita.blum@example.com', '1 x compass', '36.00', '2026-02-24', 'cancelled', 'Hillpost', NULL, NULL, '2026-02-25'),
    ('1040', 'paul.ndiaye@example.org', '1 x Scree mid boots size 42', '169.00', '2026-02-25', 'delivered', 'Parcelway', '2026-02-26', '2026-03-01', '2026-03-02'),
    ('1041', 'sara.ekman@example.com', '1 x Down vest size M', '129.00', '2026-02-27', 'delivered', 'Hillpost', '2026-02-28', '2026-03-04', '2026-03-04'),
    ('1042', 'alex.morgan@example.com', '2 x trail socks', '29.80', '2026-03-01', 'shipped', 'Parcelway', '2026-03-03', '2026-03-06', NULL),
    ('1043', 'dina.rossi@example.net', '1 x Tarn three-person tent', '349.00', '2026-03-02', 'shipped', 'Roadrunner Freight', '2026-03-04', '2026-03-10', NULL),
    ('1044', 'hugh.lane@example.com', '1 x Brook hiking trousers size 38', '99.00', '2026-03-02', 'shipped', 'Parcelway', '2026-03-03', '2026-03-06', NULL),
    ('1045', 'mei.tan@example.org', '1 x head torch', '49.90', '2026-03-02', 'delayed', 'Hillpost', '2026-03-03', '2026-03-12', NULL),
    ('1046', 'felix.graf@example.com', '5 x dried pasta meal', '39.50', '2026-03-03', 'shipped', 'Parcelway', '2026-03-04', '2026-03-07', NULL),
    ('1047', 'olga.meyer@example.net', '1 x Cairn 45 l backpack', '149.00', '2026-03-03', 'packing', 'Parcelway', '2026-03-06', '2026-03-09', NULL),
    ('1048', 'sean.burke@example.com', '1 x sleeping mat, 1 x pump sack', '108.00', '2026-03-04', 'packing', 'Hillpost', '2026-03-06', '2026-03-11', NULL),
    ('1049', 'lina.berg@example.org', '2 x insulated bottle', '57.80', '2026-03-04', 'packing', 'Parcelway', '2026-03-06', '2026-03-09', NULL),
    ('1050', 'adam.frost@example.com', '1 x Fell rain jacket size L', '139.00', '2026-03-05', 'packing', 'Parcelway', '2026-03-07', '2026-03-10', NULL),
    ('1051', 'joy.mensah@example.net', '1 x trekking pole', '39.90', '2026-03-05', 'cancelled', 'Parcelway', NULL, NULL, '2026-03-05');
