-- What the planted differences change: at least one object of each kind.
CREATE TABLE item (
    id INT AUTO_INCREMENT PRIMARY KEY,
    label VARCHAR(50) NOT NULL DEFAULT '' COMMENT 'its name',
    price INT DEFAULT 0,
    twice INT AS (price * 2) VIRTUAL,
    mood ENUM('sad', 'happy'),
    changed TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
    CONSTRAINT ck_price CHECK (price >= 0),
    UNIQUE KEY uq_label (label),
    KEY ix_price (price),
    KEY ix_prefix (label(10)),
    FULLTEXT KEY ft_label (label)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COMMENT = 'things';
CREATE TABLE part (
    id INT PRIMARY KEY,
    item_id INT,
    name VARCHAR(20),
    KEY ix_item (item_id),
    CONSTRAINT fk_item FOREIGN KEY (item_id) REFERENCES item (id) ON DELETE CASCADE
);
CREATE TABLE loose (a INT PRIMARY KEY, b VARCHAR(10), c INT);
CREATE TABLE event_log (id INT PRIMARY KEY, note VARCHAR(10))
    PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (100), PARTITION p1 VALUES LESS THAN (200));
CREATE VIEW cheap AS SELECT id, label FROM item WHERE price < 10;
CREATE TRIGGER touch BEFORE UPDATE ON item FOR EACH ROW SET NEW.label = trim(NEW.label);
CREATE FUNCTION one() RETURNS INT DETERMINISTIC RETURN 1;
CREATE PROCEDURE work() SELECT 1;
CREATE EVENT nightly ON SCHEDULE EVERY 1 DAY DO DELETE FROM loose;
CREATE SEQUENCE counter;
INSERT INTO item (label, price) VALUES ('a', 1), ('b', NULL);
INSERT INTO part VALUES (1, 1, 'x');
INSERT INTO event_log VALUES (1, 'x'), (150, 'y');
